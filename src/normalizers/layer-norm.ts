import type { LayerNormSpec } from "../scenario/scenario.ts";
import type { Normalizer } from "./operator.ts";
import { tokenNormalizer } from "./token-norm.ts";

/**
 * LayerNorm: one set per token (sample and position), over its channels.
 *
 * @see Ba, Kiros, Hinton (2016), arXiv 1607.06450
 */
export function layerNorm(spec: LayerNormSpec): Normalizer {
  return tokenNormalizer(spec, { centres: true });
}
