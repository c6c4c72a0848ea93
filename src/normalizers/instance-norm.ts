import type { Normalizer } from "./operator.ts";
import { sampleNormalizer } from "./sample-norm.ts";

/**
 * InstanceNorm: one set per sample and channel, over positions. At one position x̂ is 0, where PyTorch
 * raises an error.
 *
 * @see Ulyanov, Vedaldi, Lempitsky (2016), arXiv 1607.08022
 */
export function instanceNorm(): Normalizer {
  return sampleNormalizer({ reduces: ["positions"], channelGroups: 1, centres: true });
}
