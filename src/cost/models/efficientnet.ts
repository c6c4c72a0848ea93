import { classify } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import { invertedResidual } from "./inverted-residual.ts";
import type { Network } from "./network.ts";

/** Compound scaling: factors of the channels and of the layers of B0. */
export interface Scaling {
  readonly width: number;
  readonly depth: number;
}

/** Expansion, kernel, stride, channels and repeats of B0: Table 1 of https://arxiv.org/abs/1905.11946. */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

/**
 * Scaling and image side of B0 to B7.
 *
 * @see https://github.com/tensorflow/tpu/blob/master/models/official/efficientnet/efficientnet_builder.py
 */
export const efficientNetScalings: readonly (Scaling & { readonly side: number })[] = [
  { width: 1.0, depth: 1.0, side: 224 },
  { width: 1.0, depth: 1.1, side: 240 },
  { width: 1.1, depth: 1.2, side: 260 },
  { width: 1.2, depth: 1.4, side: 300 },
  { width: 1.4, depth: 1.8, side: 380 },
  { width: 1.6, depth: 2.2, side: 456 },
  { width: 1.8, depth: 2.6, side: 528 },
  { width: 2.0, depth: 3.1, side: 600 },
];

/** EfficientNet with 1000 classes. */
export function efficientNet(network: Network, image: FeatureMap, scaling: Scaling): void {
  const features = efficientNetStages(network, image, scaling).at(-1)!;
  const x = convolutionUnit(network, "head", features, { channels: 4 * features.channels, kernel: 1 });
  classify(network, x);
}

/** The outputs of the seven stages. */
export function efficientNetStages(
  network: Network,
  image: FeatureMap,
  { width, depth }: Scaling,
): FeatureMap[] {
  let x = convolutionUnit(network, "stem", image, {
    channels: roundChannels(32 * width),
    kernel: 3,
    stride: 2,
  });
  return stages.map(([expansion, kernel, stride, baseChannels, repeats], stage) => {
    const channels = roundChannels(baseChannels * width);
    for (let i = 0; i < Math.ceil(repeats * depth); i++) {
      // A quarter of the channels that come into the block, not of those that are gated.
      const squeezed = Math.floor(x.channels / 4);
      const shape = { expansion, kernel, stride: i === 0 ? stride : 1, channels, squeezed };
      x = invertedResidual(network, `stage${stage + 1}.${i}`, x, shape);
    }
    return x;
  });
}

/** The nearest multiple of 8, but never less than 90 % of the channels asked for. */
function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
