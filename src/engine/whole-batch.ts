import type { IndexSets } from "../kernels/index-sets.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { emptyMoments, type Moments, mergeMoments } from "../statistics/moments.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";

/** What of a rank the whole batch is merged from. */
export type ObservedRank = Pick<
  RankViews,
  "localCount" | "localMean" | "localM2" | "localSumDy" | "localSumDyXmu" | "firstChannel" | "extent"
>;

/** What the whole batch's moments are merged from: moments and gradient sums of one rank's channels. */
export function observeMicrobatch(
  { x, dy, mask, extent, ...observed }: RankViews,
  kernels: Kernels,
  channelSets: IndexSets,
  { ones, zeros }: Pick<WholeViews, "ones" | "zeros">,
): void {
  const { localMean, localM2, localSumDy, localSumDyXmu, localDySquares, localCount } = observed;
  const input = { x, mask };
  // Every channel counts alike; the array is free until dy's squares are taken.
  kernels.moments(input, channelSets, { count: localDySquares, mean: localMean, m2: localM2 });
  localCount[0] = localDySquares[0]!;
  const sums = { sumG: localSumDy, sumGXmu: localSumDyXmu };
  kernels.gradientSums(input, dy, channelSets, { mean: localMean, weight: ones }, sums);
  kernels.squares({ x: dy, mask }, channelSets, zeros, localDySquares);
}

/**
 * Merge what the ranks observed into the moments and gradient sums of the whole batch.
 *
 * **Order**: ranks ascending, float64. This is the oracle that normalisers are compared with, not
 * communication: nothing of it enters the ledger.
 */
export function mergeWholeBatch(
  ranks: readonly ObservedRank[],
  whole: Pick<WholeViews, "count" | "mean" | "m2" | "sumDy" | "sumDyXmu">,
): void {
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
  holders: readonly ObservedRank[],
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
export function holdersOf<T extends Pick<RankViews, "firstChannel" | "extent">>(
  ranks: readonly T[],
  channel: number,
): T[] {
  return ranks.filter(
    ({ firstChannel, extent }) => firstChannel <= channel && channel < firstChannel + extent.channels,
  );
}
