import { imageNetClasses } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import { type FeatureMap, flatten } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, pool, poolTo, project } from "./operations.ts";

/** Convolutions of each stage: columns A, B, D and E of Table 1 of https://arxiv.org/abs/1409.1556. */
export const vggDepths: Readonly<Record<string, readonly number[]>> = {
  "vgg11-bn": [1, 1, 2, 2, 2],
  "vgg13-bn": [2, 2, 2, 2, 2],
  "vgg16-bn": [2, 2, 3, 3, 3],
  "vgg19-bn": [2, 2, 4, 4, 4],
};

const stageChannels = [64, 128, 256, 512, 512];

/** VGG with batch normalisation as torchvision has it (convolutions keep their bias), with 1000 classes. */
export function vgg(network: Network, image: FeatureMap, depths: readonly number[]): void {
  let x = image;
  for (const [stage, depth] of depths.entries()) {
    const channels = stageChannels[stage]!;
    for (let i = 0; i < depth; i++) {
      x = convolutionUnit(network, `stage${stage + 1}.${i}`, x, { channels, kernel: 3, bias: true });
    }
    x = pool(network, `stage${stage + 1}.pool`, x, { kernel: 2, stride: 2 });
  }
  x = flatten(poolTo(network, "avgpool", x, 7));
  for (const name of ["classifier.0", "classifier.1"]) {
    x = activate(network, `${name}.activation`, project(network, name, x, { channels: 4096 }));
  }
  project(network, "classifier.2", x, { channels: imageNetClasses });
}
