import { convolutionUnit, squeezeExcitation } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { add } from "./operations.ts";

/** How an inverted residual widens, mixes and narrows again. */
export interface InvertedResidual {
  /** Channels inside, as a multiple of those that come in. */
  readonly expansion: number;
  readonly kernel: number;
  readonly stride: number;
  readonly channels: number;
  /** Channels that squeeze and excitation goes through; absent: there is none. */
  readonly squeezed?: number;
}

/**
 * Widen with a 1x1 convolution, convolve depthwise, narrow without an activation; the input goes by
 * where the shape stays.
 *
 * @see https://arxiv.org/abs/1801.04381
 */
export function invertedResidual(
  network: Network,
  name: string,
  x: FeatureMap,
  { expansion, kernel, stride, channels, squeezed }: InvertedResidual,
): FeatureMap {
  const wide = expansion * x.channels;
  let y = x;
  if (expansion > 1) y = convolutionUnit(network, `${name}.expand`, y, { channels: wide, kernel: 1 });
  y = convolutionUnit(network, `${name}.depthwise`, y, { channels: wide, kernel, stride, groups: wide });
  if (squeezed !== undefined) y = squeezeExcitation(network, `${name}.excitation`, y, squeezed);
  y = convolutionUnit(network, `${name}.project`, y, { channels, kernel: 1, isActivated: false });
  return stride === 1 && channels === x.channels ? add(network, `${name}.add`, y, x) : y;
}
