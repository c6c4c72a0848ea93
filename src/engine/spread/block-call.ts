import type { LedgerEntry } from "../../collectives/ledger.ts";
import type { Operation } from "../../collectives/schedule.ts";
import type { FloatArray } from "../../kernels/kernels.ts";
import type { WireFormat } from "../../scenario/number-format.ts";
import type { ExchangeResult, PassResult } from "../pass-result.ts";

/**
 * What every block of ranks of a spread run is asked. A block keeps nothing between calls: it computes again what
 * came before and matters, which seeds and earlier answers determine, and stops at the first collective without an
 * answer.
 *
 * `Whole` and `Given` are the answers, or what they are called where they are kept.
 */
export interface BlockCall<Whole, Given> {
  /** `prepare`: observe a microbatch. `pass` and `exchange`: as of a thread of ranks. */
  readonly kind: "prepare" | "pass" | "exchange";
  /** Index of the one whose ranks run; 0 for `prepare`. */
  readonly normalizer: number;
  readonly microbatch: number;
  /** The microbatch that is run first; later than 0 where the normaliser remembers none. */
  readonly first: number;
  /** From `first` on: the whole batch's moments and gradient sums for each training microbatch; none for `prepare`. */
  readonly wholes: readonly Whole[];
  /** Likewise: what the collectives of the normaliser's pass gave, in order; at last of this call, as far as known. */
  readonly answers: readonly (readonly Given[])[];
}

/** What a rank brings to a collective. */
export interface Contribution {
  readonly rank: number;
  /** Of the pass: its group is the normaliser's (1), or those that exchange running statistics (0). */
  readonly part: 0 | 1;
  readonly operation: Operation;
  readonly format: WireFormat;
  /** Records that are merged: of sums (1), [mean, m2] (2) or [count, mean, m2] (3). */
  readonly valuesPerElement: 1 | 2 | 3;
  /** Values behind each rank's records of two; null for others. */
  readonly counts: readonly number[] | null;
  readonly values: FloatArray;
}

/** What a collective gave to every rank. */
export interface Answer {
  /** Different results; ranks mostly share one. */
  readonly vectors: readonly FloatArray[];
  /** By rank; null where it took no part. */
  readonly ranks: readonly (Received | null)[];
}

/** What one rank has after a collective. */
export interface Received {
  /** Index of its result. */
  readonly vector: number;
  readonly entry: LedgerEntry;
  /** Finite numbers that the wire made infinite there. */
  readonly overflows: number;
}

/** How far a block came. */
export type BlockOutcome =
  | { readonly kind: "waits"; readonly contributions: readonly Contribution[] }
  | {
      readonly kind: "done";
      /** Arrays of each rank for the coordinator, joined; for `prepare` of each layout and rank. */
      readonly arrays: readonly Float64Array[];
      /** None for `prepare`. */
      readonly results: readonly (PassResult | ExchangeResult)[];
    };
