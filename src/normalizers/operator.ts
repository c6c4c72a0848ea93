import type { Communicator, Progress } from "../collectives/communicator.ts";
import type { Axis, Extent, IndexSets } from "../kernels/index-sets.ts";
import type { Activation, FloatArray, Kernels } from "../kernels/kernels.ts";

/** Per-set results of one rank; every array has one element per index set. */
export interface SetStatistics {
  readonly mean: Float64Array;
  /** Σ (x − mean)² over the whole set, wherever it lives. */
  readonly m2: Float64Array;
  readonly invStd: Float64Array;
  readonly sumG: Float64Array;
  readonly sumGXmu: Float64Array;
  readonly meanG: Float64Array;
  readonly slope: Float64Array;
  readonly scale: Float64Array;
}

/** Everything a normaliser sees of one rank. */
export interface RankView {
  readonly kernels: Kernels;
  readonly extent: Extent;
  readonly sets: IndexSets;
  readonly input: Activation;
  /** Tokens (sample, position) that count. */
  readonly validTokens: number;
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
  readonly epsilon: number;
  readonly communicator: Communicator;
  /** Room for `count` values that a collective may send. */
  payload(count: number): FloatArray;
}

/** A collective that a normaliser takes part in. */
export interface CollectiveShape {
  readonly pass: "forward" | "backward";
  readonly operation: "all-reduce" | "all-gather";
  /** Values that one rank contributes. */
  readonly values: number;
  readonly valuesPerElement: number;
}

/** What happened in a forward pass besides its arrays. */
export interface ForwardResult {
  /** Values in each of this rank's index sets, after pooling over the group. */
  readonly count: number;
  /** Merged variances that rounding had made negative and that were taken as 0. */
  readonly clampedVariances: number;
}

/**
 * One normaliser: the operator x̂ = (x − m)/√(v + ε) over its own index sets. `forward` fills
 * statistics and y; `backward` fills dx, dWeight and dBias from dy and what forward left behind.
 */
export interface Normalizer {
  /** Axes of [N, C, L] that an index set spans. */
  readonly reduces: readonly Axis[];
  /** Whether the pass keeps running statistics for inference. */
  readonly tracksStatistics: boolean;
  /** The collectives of one training step, in order, in groups of more than one rank. */
  collectives(channels: number): readonly CollectiveShape[];
  forward(rank: RankView): Progress<ForwardResult>;
  backward(rank: RankView, count: number): Progress<void>;
}

/**
 * Mean and m2 of the part of each set that this rank holds, in two passes.
 *
 * @param count values this rank holds of each set; 0 leaves zeros.
 */
export function localMoments(rank: RankView, count: number): void {
  const { kernels, input, sets, statistics } = rank;
  kernels.sums(input, sets, statistics.mean);
  for (let set = 0; set < sets.setCount; set++) {
    statistics.mean[set] = count === 0 ? 0 : statistics.mean[set]! / count;
  }
  kernels.squares(input, sets, statistics.mean, statistics.m2);
}

/**
 * invStd = 1/√(m2/count + ε) and y from the set's moments. A set without spread normalises to x̂ = 0,
 * at ε = 0 too, where invStd is taken as 0.
 */
export function normalizeSets(rank: RankView, count: number): void {
  const { statistics, sets, epsilon } = rank;
  for (let set = 0; set < sets.setCount; set++) {
    const denominator = count === 0 ? 0 : statistics.m2[set]! / count + epsilon;
    statistics.invStd[set] = denominator === 0 ? 0 : 1 / Math.sqrt(denominator);
  }
  rank.kernels.normalize(rank.input, sets, statistics, rank, rank.y);
}

/**
 * dx from the set's gradient sums: dx = (g − Σg/n − (x − m)·iv²·Σg(x − m)/n) · scale.
 *
 * @param weight what g = dy·weight already contains, per channel; `statistics.scale` holds the rest.
 */
export function differentiateSets(rank: RankView, count: number, weight: Float64Array): void {
  const { statistics, sets } = rank;
  for (let set = 0; set < sets.setCount; set++) {
    const invStd = statistics.invStd[set]!;
    statistics.meanG[set] = count === 0 ? 0 : statistics.sumG[set]! / count;
    statistics.slope[set] = count === 0 ? 0 : (invStd * invStd * statistics.sumGXmu[set]!) / count;
  }
  rank.kernels.gradient(rank.input, rank.dy, sets, { ...statistics, weight }, rank.dx);
}
