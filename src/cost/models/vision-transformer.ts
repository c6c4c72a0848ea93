import { imageNetClasses } from "./classifier.ts";
import { elementsOf, type FeatureMap, tokenMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, add, attend, convolve, normalize, project } from "./operations.ts";

/** Width, layers and patch side of ViT-B/16: Table 1 of https://arxiv.org/abs/2010.11929. */
const width = 768;
const depth = 12;
const patch = 16;

/** A normalisation over the features of a token, or over all tokens of all samples. */
export type TokenNorm = "layer-norm" | "batch-norm";

/**
 * ViT-B/16 with 1000 classes. With batch normalisation, every layer norm is replaced by a batch norm
 * over samples and tokens, and nothing else changes.
 */
export function visionTransformer(network: Network, image: FeatureMap, norm: TokenNorm): void {
  const patches = convolve(network, "patches", image, {
    channels: width,
    kernel: patch,
    stride: patch,
    padding: 0,
    bias: true,
  });
  // A class token goes in front, and every token has its own position.
  const tokens = tokenMap(patches.height * patches.width + 1, width);
  const parameters = width + elementsOf(tokens);
  let x = network.call({
    name: "positions",
    kind: "embedding",
    inputs: [patches],
    output: tokens,
    parameters,
  });
  for (let i = 0; i < depth; i++) x = transformerBlock(network, `block${i}`, x, norm);
  normalize(network, "norm", x, norm);
  project(network, "classifier", tokenMap(1, width), { channels: imageNetClasses });
}

/** Attention and a feed-forward network four times as wide, each normalised before and added after. */
export function transformerBlock(network: Network, name: string, x: FeatureMap, norm: TokenNorm): FeatureMap {
  let y = normalize(network, `${name}.attention.norm`, x, norm);
  y = attend(
    network,
    `${name}.attention`,
    project(network, `${name}.attention.in`, y, { channels: 3 * x.channels }),
  );
  y = project(network, `${name}.attention.out`, y, { channels: x.channels });
  const mixed = add(network, `${name}.attention.add`, x, y);
  y = normalize(network, `${name}.feedforward.norm`, mixed, norm);
  y = project(network, `${name}.feedforward.in`, y, { channels: 4 * x.channels });
  y = activate(network, `${name}.feedforward.activation`, y);
  y = project(network, `${name}.feedforward.out`, y, { channels: x.channels });
  return add(network, `${name}.feedforward.add`, mixed, y);
}
