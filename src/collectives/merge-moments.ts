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
