import type { BatchNormSpec, NormalizerSpec } from "../scenario/scenario.ts";
import { batchNorm } from "./batch-norm.ts";
import { layerNorm } from "./layer-norm.ts";
import type { Normalizer } from "./operator.ts";

/** Types a scenario's normaliser may have. */
export const normalizerTypes: readonly NormalizerSpec["type"][] = ["batch-norm", "layer-norm"];

/** Ways to synchronise a batch-norm group. */
export const implementations: readonly BatchNormSpec["implementation"][] = ["pytorch", "all-reduce-moments"];

/** The normaliser that a scenario's entry describes. */
export function createNormalizer(spec: NormalizerSpec): Normalizer {
  return spec.type === "batch-norm" ? batchNorm(spec) : layerNorm();
}
