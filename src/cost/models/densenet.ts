import { classify } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, concatenate, convolve, normalize, pool } from "./operations.ts";

/** Growth rate, bottleneck and layers of each block of DenseNet-121: Table 1 of https://arxiv.org/abs/1608.06993. */
const growth = 32;
const bottleneckWidth = 4 * growth;
const blocks = [6, 12, 24, 16];

/** DenseNet-121 with 1000 classes: normalisation and activation come before each convolution. */
export function denseNet121(network: Network, image: FeatureMap): void {
  let x = convolutionUnit(network, "stem", image, { channels: 64, kernel: 7, stride: 2 });
  x = pool(network, "stem.pool", x, { kernel: 3, stride: 2, padding: 1 });
  for (const [block, depth] of blocks.entries()) {
    for (let i = 0; i < depth; i++) x = denseLayer(network, `block${block + 1}.${i}`, x);
    if (block < blocks.length - 1) x = transition(network, `transition${block + 1}`, x);
  }
  classify(network, normalizeAndActivate(network, "final", x));
}

function denseLayer(network: Network, name: string, x: FeatureMap): FeatureMap {
  let y = normalizeAndActivate(network, `${name}.1`, x);
  y = convolve(network, `${name}.1.conv`, y, { channels: bottleneckWidth, kernel: 1 });
  y = normalizeAndActivate(network, `${name}.2`, y);
  y = convolve(network, `${name}.2.conv`, y, { channels: growth, kernel: 3 });
  return concatenate(network, `${name}.concatenate`, x, y);
}

function transition(network: Network, name: string, x: FeatureMap): FeatureMap {
  let y = normalizeAndActivate(network, name, x);
  y = convolve(network, `${name}.conv`, y, { channels: x.channels / 2, kernel: 1 });
  return pool(network, `${name}.pool`, y, { kernel: 2, stride: 2 });
}

function normalizeAndActivate(network: Network, name: string, x: FeatureMap): FeatureMap {
  return activate(network, `${name}.activation`, normalize(network, `${name}.norm`, x, "batch-norm"));
}
