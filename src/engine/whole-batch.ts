import { emptyMoments, type Moments, mergeMoments } from "../statistics/moments.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";

/**
 * Merge what the ranks observed into the moments and gradient sums of the whole batch.
 *
 * **Order**: ranks ascending, float64. This is the oracle that normalisers are compared with, not
 * communication: nothing of it enters the ledger.
 */
export function mergeWholeBatch(ranks: readonly RankViews[], whole: WholeViews): void {
  whole.count[0] = ranks.reduce((sum, { localCount }) => sum + localCount[0]!, 0);
  for (let c = 0; c < whole.mean.length; c++) {
    let pooled: Moments = emptyMoments;
    for (const { localCount, localMean, localM2 } of ranks) {
      pooled = mergeMoments(pooled, { count: localCount[0]!, mean: localMean[c]!, m2: localM2[c]! });
    }
    whole.mean[c] = pooled.mean;
    whole.m2[c] = pooled.m2;
    let sumDy = 0;
    let sumDyXmu = 0;
    for (const { localMean, localSumDy, localSumDyXmu } of ranks) {
      sumDy += localSumDy[c]!;
      sumDyXmu += localSumDyXmu[c]! + (localMean[c]! - pooled.mean) * localSumDy[c]!;
    }
    whole.sumDy[c] = sumDy;
    whole.sumDyXmu[c] = sumDyXmu;
  }
}
