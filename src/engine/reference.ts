import type { IndexSets } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { differentiateSets, type Normalizer, type RankView } from "../normalizers/operator.ts";
import type { Oracle } from "./oracle.ts";

/**
 * Compare a rank's y with what evaluation mode gives for the same x: running statistics in place of the batch's.
 *
 * `view.statistics` receives those and `view.y` must be scratch.
 */
export function compareWithEvaluation(
  view: RankView,
  y: FloatArray,
  comparison: { readonly channelSets: IndexSets; readonly comparedEvaluation: Float64Array },
): void {
  const { kernels, input, sets, statistics, running, epsilon } = view;
  statistics.mean.set(running.runningMean);
  for (let c = 0; c < sets.setCount; c++)
    statistics.invStd[c] = 1 / Math.sqrt(running.runningVariance[c]! + epsilon);
  kernels.normalize(input, sets, statistics, view, view.y);
  const own = { x: y, mask: input.mask };
  kernels.compare(own, view.y, comparison.channelSets, comparison.comparedEvaluation);
}

/** Where a comparison puts its sums, [Σ(a − b)² | Σab | Σa² | Σb²] per channel: a is the rank's, b the whole batch's. */
export interface Comparison {
  readonly channelSets: IndexSets;
  readonly comparedY: Float64Array;
  readonly comparedDx: Float64Array;
}

/**
 * Compare a rank's y and dx with what the whole batch on one device would have given it.
 *
 * `view.statistics` receives the whole batch's statistics and `view.y`, `view.dx` must be scratch.
 * Nothing here is rounded to a payload.
 */
export function compareWithWhole(
  view: RankView,
  normalizer: Normalizer,
  oracle: Oracle,
  own: { readonly y: FloatArray; readonly dx: FloatArray | null },
  comparison: Comparison,
): void {
  const { kernels, weight, input } = view;
  const { channelSets, comparedY, comparedDx } = comparison;
  oracle.moments(view);
  normalizer.normalize(view);
  kernels.compare({ x: own.y, mask: input.mask }, view.y, channelSets, comparedY);
  if (own.dx === null) return;
  oracle.gradientSums(view);
  if (view.recurrence === null) differentiateSets(view, weight);
  else view.recurrence.differentiate(view);
  kernels.compare({ x: own.dx, mask: input.mask }, view.dx, channelSets, comparedDx);
}
