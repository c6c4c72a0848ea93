import type { FloatArray } from "../kernels/kernels.ts";
import type { WireFormat } from "../scenario/number-format.ts";

/**
 * Work that can be interrupted: it yields when it has to wait for another rank and is resumed until
 * it returns. Ranks folded on one thread take turns this way.
 */
export type Progress<T> = Generator<undefined, T, undefined>;

/** Work that was done at once. */
export const finished: Progress<void> = (function* (): Progress<void> {})();
finished.next();

/** How a target merges what it receives with its own values. Must commute bit for bit. */
export interface Combine {
  /** Elements of a schedule are records of this many values, so that a range never cuts one. */
  readonly valuesPerElement: number;
  /** Values behind each rank's payload, in group order; given where `apply` has to know them. */
  readonly counts?: readonly number[];
  /** target ← target ⊕ incoming, arrays of whole records. With `counts`: how many values each side stands for. */
  readonly apply: (
    target: FloatArray,
    incoming: FloatArray,
    targetCount: number,
    incomingCount: number,
  ) => void;
}

/** How a payload travels. */
export interface Wire {
  /** Default: the scenario's payload. */
  readonly format?: WireFormat;
}

/**
 * One rank's view of its group: real messages to real peers.
 *
 * A rank's values are brought to the wire's format when they enter a collective, and after every
 * reduction: NCCL adds in the type that it sends (NCCL v2.30.7, src/device/reduce_kernel.h, FuncSum).
 * Payloads are arrays as the format asks for (`isWide`); those of half formats hold rounded numbers.
 */
export interface Communicator {
  /** Ranks in the group, this one included. */
  readonly groupSize: number;
  /**
   * Every rank ends with the ⊕ of all payloads, identical bits on every rank. The payload is
   * overwritten; `combine` defaults to addition.
   */
  allReduce(payload: FloatArray, wire?: Wire & { readonly combine?: Combine }): Progress<void>;
  /** The payloads of all ranks, one after the other in rank order. Valid until the next wait. */
  allGather(payload: FloatArray, wire?: Wire): Progress<FloatArray>;
  /** Every rank ends with the payload of the group's first rank; the others' is overwritten. */
  broadcast(payload: FloatArray, wire?: Wire): Progress<void>;
  /**
   * The sum of all payloads, split into one block per rank: returns this rank's block, a part of the
   * payload. The rest of the payload is left with partial sums.
   */
  reduceScatter(payload: FloatArray, wire?: Wire): Progress<FloatArray>;
}
