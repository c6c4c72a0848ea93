import { emptyMoments, type Moments, mergeMoments } from "../statistics/moments.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";

/**
 * Merge what the ranks observed into the moments and gradient sums of the whole batch.
 *
 * **Order**: ranks ascending, float64. This is the oracle that normalisers are compared with, not
 * communication: nothing of it enters the ledger.
 */
export function mergeWholeBatch(ranks: readonly RankViews[], whole: WholeViews): void {
  whole.count[0] = holdersOf(ranks, 0).reduce((sum, { localCount }) => sum + localCount[0]!, 0);
  for (let c = 0; c < whole.mean.length; c++) {
    const pooled = mergeChannel(holdersOf(ranks, c), c);
    whole.mean[c] = pooled.mean;
    whole.m2[c] = pooled.m2;
    whole.sumDy[c] = pooled.sumDy;
    whole.sumDyXmu[c] = pooled.sumDyXmu;
  }
}

/** The moments and gradient sums of the whole batch about 0 instead of about its means. */
export function aboutZero(whole: WholeViews): WholeViews {
  const n = whole.count[0]!;
  return {
    ...whole,
    mean: new Float64Array(whole.mean.length),
    m2: whole.m2.map((m2, c) => m2 + n * whole.mean[c]! * whole.mean[c]!),
    sumDyXmu: whole.sumDyXmu.map((sum, c) => sum + whole.mean[c]! * whole.sumDy[c]!),
  };
}

/** A channel's moments and gradient sums over ranks that hold it; Σdy(x − m) is about the merged mean. */
export function mergeChannel(
  holders: readonly RankViews[],
  channel: number,
): Moments & { readonly sumDy: number; readonly sumDyXmu: number } {
  let pooled: Moments = emptyMoments;
  for (const { localCount, localMean, localM2, firstChannel } of holders) {
    const own = channel - firstChannel;
    pooled = mergeMoments(pooled, { count: localCount[0]!, mean: localMean[own]!, m2: localM2[own]! });
  }
  let sumDy = 0;
  let sumDyXmu = 0;
  for (const { localMean, localSumDy, localSumDyXmu, firstChannel } of holders) {
    const own = channel - firstChannel;
    sumDy += localSumDy[own]!;
    sumDyXmu += localSumDyXmu[own]! + (localMean[own]! - pooled.mean) * localSumDy[own]!;
  }
  return { ...pooled, sumDy, sumDyXmu };
}

/** The ranks that hold a channel of the whole batch, ascending. */
export function holdersOf(ranks: readonly RankViews[], channel: number): RankViews[] {
  return ranks.filter(
    ({ firstChannel, extent }) => firstChannel <= channel && channel < firstChannel + extent.channels,
  );
}
