import { mergeMoments } from "../statistics/moments.ts";
import type { Combine } from "./communicator.ts";

/**
 * Reduce records of [count, mean, m2] by merging moments: an all-reduce whose sum is the merge.
 *
 * The weighted-sum form commutes bit for bit, so ranks that exchange partial results in different
 * directions still agree. Results are rounded to the payload's type at each hop, as on a wire.
 */
export const momentsCombine: Combine = {
  valuesPerElement: 3,
  apply(target, incoming) {
    for (let i = 0; i < target.length; i += 3) {
      const merged = mergeMoments(
        { count: target[i]!, mean: target[i + 1]!, m2: target[i + 2]! },
        { count: incoming[i]!, mean: incoming[i + 1]!, m2: incoming[i + 2]! },
      );
      target[i] = merged.count;
      target[i + 1] = merged.mean;
      target[i + 2] = merged.m2;
    }
  },
};

/**
 * Reduce records of [mean, m2] by merging moments, with counts that are known without being sent.
 *
 * @param counts values behind every record of each rank, in group order. A record of zeros on all ranks
 * stays zeros, so that sets without values need no count of their own.
 */
export function pairedMomentsCombine(counts: readonly number[]): Combine {
  return {
    valuesPerElement: 2,
    counts,
    apply(target, incoming, own, arriving) {
      for (let i = 0; i < target.length; i += 2) {
        const merged = mergeMoments(
          { count: own, mean: target[i]!, m2: target[i + 1]! },
          { count: arriving, mean: incoming[i]!, m2: incoming[i + 1]! },
        );
        target[i] = merged.mean;
        target[i + 1] = merged.m2;
      }
    },
  };
}
