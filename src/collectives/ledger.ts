import type { WireFormat } from "../scenario/number-format.ts";
import type { ScheduleCount } from "./count.ts";
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
  { normalizer, sequence, group, format }: Pick<LedgerEntry, "normalizer" | "sequence" | "group" | "format">,
): LedgerEntry {
  // Written out: a spread takes longer than a small collective (2.5 µs).
  return {
    normalizer,
    sequence,
    group,
    operation,
    algorithm,
    format,
    messagesSent: 0,
    bytesSent: 0,
    bytesReceived: 0,
  };
}

/** Record all that a rank's messages would have moved, of a collective that came to the same by fewer copies. */
export function recordMessages(
  entry: LedgerEntry,
  { messagesSent, elementsSent, elementsReceived }: ScheduleCount,
  rank: number,
  elementBytes: number,
): void {
  entry.messagesSent = messagesSent[rank]!;
  entry.bytesSent = elementsSent[rank]! * elementBytes;
  entry.bytesReceived = elementsReceived[rank]! * elementBytes;
}
