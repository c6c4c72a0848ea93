import type { IndexSets } from "./index-sets.ts";
import type { Activation, Kernels, SetMoments } from "./kernels.ts";
import { countValues } from "./set-counts.ts";

/** Moments in two passes, with the kernels' float64 sums. */
export function twoPassMoments(
  { sums, squares }: Pick<Kernels, "sums" | "squares">,
  input: Activation,
  sets: IndexSets,
  { count, mean, m2 }: SetMoments,
): void {
  countValues(sets, input.mask, count);
  sums(input, sets, mean);
  for (let set = 0; set < sets.setCount; set++) mean[set] = count[set] === 0 ? 0 : mean[set]! / count[set]!;
  squares(input, sets, mean, m2);
}
