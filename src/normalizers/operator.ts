import type { Communicator, Progress } from "../collectives/communicator.ts";
import type { Operation } from "../collectives/schedule.ts";
import type { Axis, Extent, IndexSets } from "../kernels/index-sets.ts";
import type { Activation, FloatArray, Kernels } from "../kernels/kernels.ts";
import type { NumberFormat, WireFormat } from "../scenario/number-format.ts";
import type { MomentsAlgorithm, NormalizerSpec } from "../scenario/scenario.ts";
import type { VarianceKind } from "../statistics/moments.ts";
import type { RunningStatistics } from "../statistics/running-statistics.ts";
import { roundedMoments } from "./rounded-moments.ts";

/** Per-set results of one rank; every array has one element per index set. */
export interface SetStatistics {
  /** Values in the whole set, wherever it lives. */
  readonly count: Float64Array;
  /** 0 where a normaliser does not centre. */
  readonly mean: Float64Array;
  /** Σ (x − mean)² over the whole set. */
  readonly m2: Float64Array;
  readonly invStd: Float64Array;
  readonly sumG: Float64Array;
  readonly sumGXmu: Float64Array;
  readonly meanG: Float64Array;
  readonly slope: Float64Array;
  /** What dx is multiplied with at last: ∂x̂/∂x with the statistics held, and what of γ is not in g. */
  readonly scale: Float64Array;
}

/** How the moments of what a rank holds are computed. */
export interface MomentsMethod {
  readonly algorithm: MomentsAlgorithm;
  readonly accumulate: NumberFormat;
}

/** Which elements a normaliser takes one statistic over, and what it takes. */
export interface SetShape {
  /** Axes of [N, C, L] that an index set spans. */
  readonly reduces: readonly Axis[];
  /** Blocks of consecutive channels; a set that spans channels spans those of one block. */
  readonly channelGroups: number;
  /** Whether m is the set's mean; otherwise m is 0, and v the mean square. */
  readonly centres: boolean;
}

/** Everything a normaliser sees of one rank, or of one slice of its samples. */
export interface RankView extends Pick<SetShape, "centres"> {
  readonly kernels: Kernels;
  readonly extent: Extent;
  readonly sets: IndexSets;
  readonly input: Activation;
  readonly dy: FloatArray;
  readonly y: FloatArray;
  readonly dx: FloatArray;
  readonly statistics: SetStatistics;
  /** γ and β, one per channel, and a 1 per channel. */
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly ones: Float64Array;
  readonly dWeight: Float64Array;
  readonly dBias: Float64Array;
  /** A normaliser that corrects x̂ to r·x̂ + d keeps γr, γd + β and d here; one per channel. */
  readonly gain: Float64Array;
  readonly shift: Float64Array;
  readonly offset: Float64Array;
  /** As the steps before left it. */
  readonly running: RunningStatistics;
  /** Of a normaliser that has one: as the steps before left it. */
  readonly recurrence: Recurrence | null;
  readonly epsilon: number;
  readonly method: MomentsMethod;
  readonly communicator: Communicator;
  /** Values of a set on each rank of the group, in group order; null where the samples or padding decide. */
  readonly partCounts: readonly number[] | null;
  /** Room for `count` values that a collective may send in a format; default: the scenario's payload. */
  payload(count: number, format?: WireFormat): FloatArray;
}

/**
 * What a normaliser of mean squares remembers from one training step to the next, and does with it. A rank
 * has one, and another that is shown the whole batch instead.
 */
export interface Recurrence {
  /** Mean squares that evaluation divides by, one per channel. */
  readonly running: Float64Array;
  /** Takes in a step's count and m2: invStd, scale and y. A step without values is none. */
  normalize(rank: RankView): void;
  /** Takes in the step's sumGXmu, which contains γ: dx. */
  differentiate(rank: RankView): void;
}

/** A collective that a normaliser takes part in. */
export interface CollectiveShape {
  readonly pass: "forward" | "backward";
  readonly operation: Operation;
  /** Values that one rank contributes. */
  readonly values: number;
  readonly valuesPerElement: number;
  /** What values travel as; absent: the scenario's payload. */
  readonly format?: WireFormat;
}

/** The index sets of a rank. */
export interface SetsOfRank {
  readonly setCount: number;
  /** Whether the data have padding that does not count. */
  readonly isMasked: boolean;
}

/** Variances that rounding had made negative and that a forward pass took as 0, by what they were of. */
export interface ClampedVariances {
  /** Of values that the rank holds. */
  readonly own: number;
  /** Of statistics that the group merged: every rank of it counts the same ones. */
  readonly merged: number;
}

/** Of a normaliser whose variances cannot turn negative. */
export const noneClamped: ClampedVariances = { own: 0, merged: 0 };

/**
 * One normaliser: the operator x̂ = (x − m)/√(v + ε) over its own index sets. `forward` fills
 * statistics and y; `backward` fills dx, dWeight and dBias from dy and what forward left behind.
 */
export interface Normalizer extends SetShape {
  /** Which variance the running statistics for inference take in; null: the pass keeps none. */
  readonly runningVariance: VarianceKind | null;
  /** What it remembers, before the first step, of so many channels; absent: y and dx depend on no step before. */
  recurrence?(channels: number): Recurrence;
  /** The collectives of one training step, in order, that a rank of this extent takes part in where its group has others. */
  collectives(extent: Extent, sets: SetsOfRank): readonly CollectiveShape[];
  /** invStd, scale and y from count, mean and m2 of whole sets: the part of forward after pooling. */
  normalize(rank: RankView): void;
  forward(rank: RankView): Progress<ClampedVariances>;
  backward(rank: RankView): Progress<void>;
}

/** Count, mean and m2 of the part of each set that this rank holds; zeros where it holds nothing. */
export function localMoments({
  kernels,
  input,
  sets,
  statistics,
  centres,
}: Pick<RankView, "kernels" | "input" | "sets" | "statistics" | "centres">): void {
  if (centres) {
    kernels.moments(input, sets, statistics);
    return;
  }
  kernels.counts(input, sets, statistics.count);
  statistics.mean.fill(0);
  kernels.squares(input, sets, statistics.mean, statistics.m2);
}

/** How a normaliser's entry in a scenario has its moments taken; of one that has no mean to take, exactly. */
export function momentsMethodOf(spec: NormalizerSpec): MomentsMethod {
  return "moments" in spec
    ? { algorithm: spec.moments, accumulate: spec.accumulate }
    : { algorithm: "two-pass", accumulate: "float64" };
}

/** `localMoments` by the normaliser's method. @returns how many variances were clamped. */
export function takeMoments(rank: RankView): number {
  const { input, sets, statistics, method } = rank;
  if (!rank.centres || (method.algorithm === "two-pass" && method.accumulate === "float64")) {
    localMoments(rank);
    return 0;
  }
  rank.kernels.counts(input, sets, statistics.count);
  return roundedMoments(method.algorithm, method.accumulate, { ...statistics, input, sets });
}

/** 1/√(v + ε), taken as 0 at v + ε = 0: a set without spread normalises to x̂ = 0, whatever ε is. */
export function inverseRoot(variance: number, epsilon: number): number {
  return variance + epsilon === 0 ? 0 : 1 / Math.sqrt(variance + epsilon);
}

/** invStd = 1/√(m2/count + ε) and scale = invStd from the set's moments; 0 of a set without values. */
export function standardizeSets({ statistics, sets, epsilon }: RankView): void {
  const { count, m2, invStd, scale } = statistics;
  for (let set = 0; set < sets.setCount; set++) {
    invStd[set] = count[set] === 0 ? 0 : inverseRoot(m2[set]! / count[set]!, epsilon);
  }
  scale.set(invStd);
}

/** `standardizeSets`, and y = γ x̂ + β. */
export function normalizeSets(rank: RankView): void {
  standardizeSets(rank);
  rank.kernels.normalize(rank.input, rank.sets, rank.statistics, rank, rank.y);
}

/**
 * dx from the set's gradient sums: dx = (g − Σg/n − (x − m)·iv²·Σg(x − m)/n) · scale, without Σg/n
 * where m is no mean.
 *
 * @param weight what g = dy·weight already contains, per channel; `statistics.scale` holds the rest.
 */
export function differentiateSets(rank: RankView, weight: Float64Array): void {
  const { statistics, sets, centres } = rank;
  const { count, invStd, sumG, sumGXmu, meanG, slope } = statistics;
  for (let set = 0; set < sets.setCount; set++) {
    const n = count[set]!;
    meanG[set] = n === 0 || !centres ? 0 : sumG[set]! / n;
    slope[set] = n === 0 ? 0 : (invStd[set]! * invStd[set]! * sumGXmu[set]!) / n;
  }
  rank.kernels.gradient(rank.input, rank.dy, sets, { ...statistics, weight }, rank.dx);
}
