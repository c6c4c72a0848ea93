import { type FeatureMap, tokenMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { normalize } from "./operations.ts";
import { transformerBlock } from "./vision-transformer.ts";

/** GPT-2 small: https://huggingface.co/openai-community/gpt2/blob/main/config.json. */
const width = 768;
const depth = 12;
const vocabulary = 50257;
/** Tokens of a sequence, and positions that have an embedding. */
const context = 1024;

/**
 * GPT-2 small on whole sequences; returns what it reads. The output layer uses the weights of the
 * token embedding, where they are counted.
 */
export function gpt2Small(network: Network): FeatureMap {
  const sequence = tokenMap(context, width);
  let x = embed(network, "tokens", sequence, vocabulary);
  x = embed(network, "positions", x, context);
  for (let i = 0; i < depth; i++) x = transformerBlock(network, `block${i}`, x, "layer-norm");
  x = normalize(network, "norm", x, "layer-norm");
  const output = { ...x, channels: vocabulary };
  const forwardFlops = 2 * width * vocabulary * context;
  network.call({ name: "logits", kind: "linear", inputs: [x], output, forwardFlops });
  return sequence;
}

function embed(network: Network, name: string, x: FeatureMap, rows: number): FeatureMap {
  return network.call({ name, kind: "embedding", inputs: [x], output: x, parameters: rows * width });
}
