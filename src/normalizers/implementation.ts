import type { Operation } from "../collectives/schedule.ts";
import type { WireFormat } from "../scenario/number-format.ts";
import type { VarianceKind } from "../statistics/moments.ts";

/**
 * What a rank of n values, mean m and biased variance v tells its group; one number per channel, but for
 * the counts. N is the group's n.
 *
 * `moments` are records of (n, m, n·v), reduced by merging them. `sampleMean` and `sampleMeanSquare` are
 * B·m and B·(v + m²) of B samples, padding taken for zeros. `shift` is m, 0 where there is no value;
 * `shiftedSum` and `shiftedSquareSum` are Σ(x − shift) and Σ(x − shift)².
 */
export type ForwardField =
  | "moments"
  | "mean"
  | "invStd"
  | "variance"
  | "meanSquare"
  | "weightedMean"
  | "weightedMeanSquare"
  | "sum"
  | "squareSum"
  | "sampleMean"
  | "sampleMeanSquare"
  | "shift"
  | "shiftedSum"
  | "shiftedSquareSum"
  | "count"
  | "countPerChannel"
  | "samples";

/** Σdy and Σdy(x − m) of a rank per channel, or these divided by its n. */
export type BackwardField = "sumDy" | "sumDyXmu" | "meanDy" | "meanDyXmu";

/** One collective of a layer. */
export interface Exchange<Field> {
  readonly operation: Exclude<Operation, "reduce-scatter">;
  /** One after the other in the payload. */
  readonly fields: readonly Field[];
  /** Numbers that travel behind the fields and that nobody uses, per channel and once; sent as zeros. */
  readonly unused?: { readonly perChannel: number; readonly once: number };
  /** What the numbers travel as; absent: the scenario's payload. */
  readonly format?: WireFormat;
}

/**
 * What becomes of a rank that has fewer than `leastValues` values per channel: its program stops, or it never
 * joins, which a run reports as the failure that it is.
 */
export interface Stop {
  readonly leastValues: number;
  readonly because: string;
}

/** Sums whose quotients are E[x] and E[x²]; of `shiftedSum` those about the shift. */
export type FirstMoment = "mean" | "weightedMean" | "sum" | "sampleMean" | "shiftedSum";

/** How a library synchronises BatchNorm: data for the one interpreter in synchronization.ts. */
export interface Implementation {
  /** Library and versions, for a reader. */
  readonly title: string;
  /** Public file or pull request where it was read. */
  readonly source: string;
  /** In order. */
  readonly forward: readonly Exchange<ForwardField>[];
  /**
   * From what arrives to mean and variance: Chan's merge of counts, means and variances, rank by rank; nothing
   * left to do after merging in the collective; or E[x²] − E[x]² of a sum and its squares, where `clips`
   * takes a negative variance as 0.
   */
  readonly merge:
    | { readonly by: "chan" | "collective" }
    | { readonly by: "mean-square"; readonly of: FirstMoment; readonly clips: boolean };
  /** What a rank weighs in the statistics: its values, its samples (padding included), or as much as any other. */
  readonly weighting: "count" | "samples" | "equal";
  /**
   * In order. Sums are divided by the count that the weighting implies: N, samples · positions, or ranks · n.
   * Means are averaged over ranks.
   */
  readonly backward: readonly Exchange<BackwardField>[];
  /** Which variance of the batch the running one takes in. */
  readonly runningVariance: VarianceKind;
  /** `joins`: sends zeros that do not count. `nan`: its means are 0/0, which reaches every rank. */
  readonly emptyRank: "joins" | "nan" | Stop;
}
