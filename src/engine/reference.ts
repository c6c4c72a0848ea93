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

/** Fills a view's statistics with what one device that holds the whole batch would know. */
export interface Oracle {
  /** count, mean and m2. */
  moments(view: RankView): void;
  /** sumG and sumGXmu, about those means. */
  gradientSums(view: RankView): void;
}

/** For sets that lie on this rank: computed again from x. */
export const ownOracle: Oracle = {
  moments: localMoments,
  gradientSums({ kernels, input, dy, sets, statistics, weight }) {
    kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
  },
};

/** For channels, which all ranks share: the coordinator's float64 merge, in rank order. */
export function mergedOracle(whole: WholeViews): Oracle {
  return {
    moments({ statistics }) {
      statistics.count.fill(whole.count[0]!);
      statistics.mean.set(whole.mean);
      statistics.m2.set(whole.m2);
    },
    gradientSums({ statistics, weight }) {
      for (let c = 0; c < weight.length; c++) {
        statistics.sumG[c] = whole.sumDy[c]! * weight[c]!;
        statistics.sumGXmu[c] = whole.sumDyXmu[c]! * weight[c]!;
      }
    },
  };
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
  differentiateSets(view, weight);
  kernels.compare({ x: own.dx, mask: input.mask }, view.dx, channelSets, comparedDx);
}
