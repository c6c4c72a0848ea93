import type { RmsNormSpec } from "../scenario/scenario.ts";
import type { Normalizer } from "./operator.ts";
import { tokenNormalizer } from "./token-norm.ts";

/**
 * RMSNorm: LayerNorm without the mean. x̂ = x/√(mean x² + ε) and dx = iv·(g − x̂·mean(g·x̂)).
 *
 * @see Zhang, Sennrich (2019), arXiv 1910.07467
 */
export function rmsNorm(spec: RmsNormSpec): Normalizer {
  return tokenNormalizer(spec, { centres: false });
}
