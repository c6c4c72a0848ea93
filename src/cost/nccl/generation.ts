import { assert } from "../../assert.ts";
import type { Cluster } from "../cluster.ts";
import { gpuOf } from "../clusters/gpus.ts";

/** GPU generations that NCCL's tuner tells apart; everything before Ampere is `volta`. */
export const generations = ["volta", "ampere", "hopper", "blackwell"] as const;
export type Generation = (typeof generations)[number];

/** The row of NCCL's tables that a cluster's GPU falls in (compute capability below 80, 90, 100). */
export function generationOf({ gpu }: Cluster): Generation {
  const capability = gpuOf(gpu)?.computeCapability ?? 0;
  assert(capability > 0, `${gpu} is not a GPU that NCCL runs on`);
  if (capability < 80) return "volta";
  if (capability < 90) return "ampere";
  return capability < 100 ? "hopper" : "blackwell";
}
