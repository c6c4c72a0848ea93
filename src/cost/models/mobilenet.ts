import { classify } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import { invertedResidual } from "./inverted-residual.ts";
import type { Network } from "./network.ts";

/** Expansion, channels, repeats and stride of each stage: Table 2 of https://arxiv.org/abs/1801.04381. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** MobileNetV2 of width 1, with 1000 classes. */
export function mobileNetV2(network: Network, image: FeatureMap): void {
  let x = convolutionUnit(network, "stem", image, { channels: 32, kernel: 3, stride: 2 });
  for (const [stage, [expansion, channels, repeats, stride]] of stages.entries()) {
    for (let i = 0; i < repeats; i++) {
      const shape = { expansion, kernel: 3, channels, stride: i === 0 ? stride : 1 };
      x = invertedResidual(network, `stage${stage + 1}.${i}`, x, shape);
    }
  }
  x = convolutionUnit(network, "head", x, { channels: 1280, kernel: 1 });
  classify(network, x);
}
