import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import {
  activate,
  type BatchNormKind,
  type Convolution,
  convolve,
  gate,
  normalize,
  poolTo,
} from "./operations.ts";

/** What follows a convolution: which batch normalisation, and whether an activation. */
export interface UnitEnding {
  readonly norm?: BatchNormKind;
  readonly isActivated?: boolean;
}

/** Convolution, batch normalisation and, unless told otherwise, an activation. */
export function convolutionUnit(
  network: Network,
  name: string,
  x: FeatureMap,
  { norm = "batch-norm", isActivated = true, ...options }: Convolution & UnitEnding,
): FeatureMap {
  const y = normalize(network, `${name}.norm`, convolve(network, `${name}.conv`, x, options), norm);
  return isActivated ? activate(network, `${name}.activation`, y) : y;
}

/**
 * Squeeze and excitation: gate every channel by what its mean says.
 *
 * @see https://arxiv.org/abs/1709.01507
 */
export function squeezeExcitation(
  network: Network,
  name: string,
  x: FeatureMap,
  squeezed: number,
): FeatureMap {
  const mean = poolTo(network, `${name}.pool`, x, 1);
  const down = convolve(network, `${name}.reduce`, mean, { channels: squeezed, kernel: 1, bias: true });
  const active = activate(network, `${name}.activation`, down);
  const up = convolve(network, `${name}.expand`, active, { channels: x.channels, kernel: 1, bias: true });
  return gate(network, `${name}.gate`, x, activate(network, `${name}.sigmoid`, up));
}
