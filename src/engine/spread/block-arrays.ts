import { assert } from "../../assert.ts";
import { setArrays } from "../../normalizers/slice-view.ts";
import { shardOf } from "../../scenario/mesh.ts";
import { extentOf } from "../arena-plan.ts";
import type { RankViews, WholeViews } from "../arena-views.ts";
import type { ObservedRank } from "../whole-batch.ts";
import type { Workload } from "../workload.ts";

type Observed = ObservedRank & Pick<RankViews, "localDySquares">;

/** What a rank observes of a microbatch. */
export function observationsOf(rank: Observed): Float64Array[] {
  const { localCount, localMean, localM2, localSumDy, localDySquares, localSumDyXmu } = rank;
  return [localCount, localMean, localM2, localSumDy, localDySquares, localSumDyXmu];
}

/** What a coordinator reads of a rank after a normaliser's pass, beside its observations. */
export function resultsOf(rank: RankViews, normalizer: number): Float64Array[] {
  const { dWeight, dBias, comparedY, comparedDx, comparedEvaluation, used, reference } = rank;
  return [
    ...[dWeight, dBias, comparedY, comparedDx, comparedEvaluation],
    ...[used, reference].flatMap((statistics) => setArrays.map((name) => statistics[name])),
    ...[rank.runningMean[normalizer]!, rank.runningVariance[normalizer]!],
  ];
}

/** What blocks are told of the whole batch. */
export function wholeArrays({
  count,
  mean,
  m2,
  sumDy,
  sumDyXmu,
}: Pick<WholeViews, "count" | "mean" | "m2" | "sumDy" | "sumDyXmu">): Float64Array[] {
  return [count, mean, m2, sumDy, sumDyXmu];
}

/** Room for what a rank of the sharded layout observes. */
export function newObservations(workload: Workload, rank: number): Observed {
  const { scenario, channels, positionExtents } = workload;
  const { firstChannel } = shardOf(scenario.mesh, rank, channels, positionExtents);
  const extent = extentOf(workload, rank, "sharded");
  const perChannel = (): Float64Array => new Float64Array(extent.channels);
  return {
    firstChannel,
    extent,
    localCount: new Float64Array(1),
    localMean: perChannel(),
    localM2: perChannel(),
    localSumDy: perChannel(),
    localDySquares: perChannel(),
    localSumDyXmu: perChannel(),
  };
}

/** Room for what blocks are told of the whole batch. */
export function newWhole(channels: number): Pick<WholeViews, "count" | "mean" | "m2" | "sumDy" | "sumDyXmu"> {
  const perChannel = (): Float64Array => new Float64Array(channels);
  return {
    count: new Float64Array(1),
    mean: perChannel(),
    m2: perChannel(),
    sumDy: perChannel(),
    sumDyXmu: perChannel(),
  };
}

/** Arrays one after the other, as one. */
export function joined(arrays: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(arrays.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

/** Undo `joined`. */
export function separate(whole: Float64Array, targets: readonly Float64Array[]): void {
  let at = 0;
  for (const target of targets) {
    target.set(whole.subarray(at, at + target.length));
    at += target.length;
  }
  assert(at === whole.length, `${whole.length} numbers where there are ${at}`);
}
