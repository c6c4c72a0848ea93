import type { NormalizerSpec } from "../scenario/scenario.ts";
import { batchNorm } from "./batch-norm.ts";
import { layerNorm } from "./layer-norm.ts";
import type { Normalizer } from "./operator.ts";

/** The normaliser that a scenario's entry describes. */
export function createNormalizer(spec: NormalizerSpec): Normalizer {
  return spec.type === "batch-norm" ? batchNorm(spec) : layerNorm();
}
