import type { WireFormat } from "../scenario/number-format.ts";
import type { Operation, Schedule } from "./schedule.ts";

/** What a few elements of a rank's vector held while a collective ran: enough to show it at work. */
export interface PayloadSample {
  /** Elements of the schedule's vector, ascending: the first of each sampled block. */
  readonly elements: readonly number[];
  /**
   * Before step s: `valuesPerElement` values of each of these elements; the last entry is after the last sampled step. What an
   * all-gather has not brought yet is whatever lay there.
   */
  readonly values: number[][];
}

/** What one rank really moved in one collective. */
export interface LedgerEntry {
  /** Index into the scenario's normalisers. */
  readonly normalizer: number;
  /** Collectives before it in the run; equal on all ranks. */
  readonly sequence: number;
  /** Index of the rank's group. */
  readonly group: number;
  readonly operation: Operation;
  readonly algorithm: string;
  /** What its values travelled as; bytes are counted in it. */
  readonly format: WireFormat;
  messagesSent: number;
  bytesSent: number;
  bytesReceived: number;
  /** Of the first collective of a normaliser, on the first ranks of its first group. */
  sample?: PayloadSample;
}

/** An entry for a collective that is about to run: nothing has moved yet. */
export function newEntry(
  { operation, algorithm }: Schedule,
  whose: Pick<LedgerEntry, "normalizer" | "sequence" | "group" | "format">,
): LedgerEntry {
  return { ...whose, operation, algorithm, messagesSent: 0, bytesSent: 0, bytesReceived: 0 };
}
