import type { Normalizer } from "./operator.ts";
import { residentNormalizer } from "./resident.ts";

/**
 * RMSNorm: LayerNorm without the mean. x̂ = x/√(mean x² + ε) and dx = iv·(g − x̂·mean(g·x̂)).
 *
 * @see Zhang, Sennrich (2019), arXiv 1910.07467
 */
export function rmsNorm(): Normalizer {
  return residentNormalizer({ reduces: ["channels"], channelGroups: 1, centres: false });
}
