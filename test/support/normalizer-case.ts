/** One rank's microbatch. */
export interface RankInput {
  readonly samples: number;
  /** Row-major [N, C, ...positions]. */
  readonly x: readonly number[];
  /** Like x. */
  readonly dy: readonly number[];
  /** [N, ...positions], 1 is valid; null: every token is. */
  readonly mask: readonly number[] | null;
}

/** What one rank ends with. dWeight and dBias are the rank's own: nothing is summed over ranks. */
export interface RankOutcome {
  readonly y: ArrayLike<number>;
  readonly dx: ArrayLike<number>;
  readonly dWeight: ArrayLike<number>;
  readonly dBias: ArrayLike<number>;
}

/** What the ranks of one BatchNorm group share; per channel. */
export interface GroupOutcome {
  /** Values per channel. */
  readonly count: number;
  readonly mean: ArrayLike<number>;
  /** Biased. */
  readonly variance: ArrayLike<number>;
  /** Summed over the group's ranks. */
  readonly dWeight: ArrayLike<number>;
  /** Summed over the group's ranks. */
  readonly dBias: ArrayLike<number>;
  /** After all training steps, from 0. */
  readonly runningMean: ArrayLike<number>;
  /** After all training steps, from 1; takes unbiased variances. */
  readonly runningVariance: ArrayLike<number>;
}

/** Results of a case, in rank order and in group order. */
export interface Outcome {
  readonly ranks: readonly RankOutcome[];
  /** Only BatchNorm has them. */
  readonly groups?: readonly GroupOutcome[];
}

/** What a case expects: all of an outcome, or the parts that its oracle gives. */
export interface Expected {
  readonly ranks: readonly Partial<RankOutcome>[];
  readonly groups?: readonly Partial<GroupOutcome>[];
}

interface CaseBase {
  readonly name: string;
  readonly channels: number;
  /** Extents of the position axes; their product is L, [] is 1. */
  readonly positions: readonly number[];
  readonly epsilon: number;
  /** One per channel. */
  readonly weight: readonly number[];
  /** One per channel. */
  readonly bias: readonly number[];
  /** The last training step. */
  readonly ranks: readonly RankInput[];
  readonly expected: Expected;
}

/** BatchNorm over groups of ranks, for one or several training steps. */
export interface BatchNormCase extends CaseBase {
  readonly type: "batch-norm";
  /** `world`, that many consecutive ranks (the last group may be smaller), or the ranks of each group, ascending. */
  readonly group: "world" | number | readonly (readonly number[])[];
  /** With group 1: every rank's samples are normalised this many at a time. */
  readonly virtualBatch?: number;
  /** Batch renormalisation, and its bounds. */
  readonly renorm?: { readonly rMax: number; readonly dMax: number };
  /** Weight of the new batch in the running statistics; null: cumulative average. */
  readonly momentum: number | null;
  readonly trainingSteps: number;
  /** x of the steps before the last, [step][rank]; [] where every step sees the same x. */
  readonly earlier: readonly (readonly (readonly number[])[])[];
}

/** A normaliser whose statistics span no samples. */
export interface ResidentCase extends CaseBase {
  readonly type: "layer-norm" | "rms-norm" | "group-norm" | "instance-norm";
  /** Of GroupNorm: blocks of consecutive channels. */
  readonly groups?: number;
}

/** Input of a normaliser on every rank and what must come out, plain data. */
export type NormalizerCase = BatchNormCase | ResidentCase;

/** L: positions per sample and channel. */
export function positionCount(example: NormalizerCase): number {
  return example.positions.reduce((product, extent) => product * extent, 1);
}
