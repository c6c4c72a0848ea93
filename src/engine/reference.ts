import type { IndexSets } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { differentiateSets, localMoments, type Normalizer, type RankView } from "../normalizers/operator.ts";
import type { WholeViews } from "./arena-views.ts";

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
 * A set that other ranks share takes the coordinator's float64 merge over all ranks, in rank order;
 * a set that lies on this rank alone is computed again from x. Nothing here is rounded to a payload.
 */
export function compareWithWhole(
  view: RankView,
  normalizer: Normalizer,
  shared: WholeViews | null,
  own: { readonly y: FloatArray; readonly dx: FloatArray | null },
  comparison: Comparison,
): void {
  const { kernels, statistics, weight, input, dy, sets } = view;
  const { channelSets, comparedY, comparedDx } = comparison;
  if (shared === null) localMoments(view);
  else {
    statistics.count.fill(shared.count[0]!);
    statistics.mean.set(shared.mean);
    statistics.m2.set(shared.m2);
  }
  normalizer.normalize(view);
  kernels.compare({ x: own.y, mask: input.mask }, view.y, channelSets, comparedY);
  if (own.dx === null) return;
  if (shared === null) kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
  else {
    for (let c = 0; c < weight.length; c++) {
      statistics.sumG[c] = shared.sumDy[c]! * weight[c]!;
      statistics.sumGXmu[c] = shared.sumDyXmu[c]! * weight[c]!;
    }
  }
  differentiateSets(view, weight);
  kernels.compare({ x: own.dx, mask: input.mask }, view.dx, channelSets, comparedDx);
}
