import type { GroupNormSpec } from "../scenario/scenario.ts";
import type { Normalizer } from "./operator.ts";
import { sampleNormalizer } from "./sample-norm.ts";

/**
 * GroupNorm: one set per sample and block of consecutive channels, over those channels and positions.
 *
 * @see Wu, He (2018), arXiv 1803.08494
 */
export function groupNorm({ groups }: GroupNormSpec): Normalizer {
  return sampleNormalizer({ reduces: ["channels", "positions"], channelGroups: groups, centres: true });
}
