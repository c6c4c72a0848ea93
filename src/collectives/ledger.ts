import type { WireFormat } from "../scenario/number-format.ts";
import type { Operation, Schedule } from "./schedule.ts";

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
}

/** An entry for a collective that is about to run: nothing has moved yet. */
export function newEntry(
  { operation, algorithm }: Schedule,
  whose: Pick<LedgerEntry, "normalizer" | "sequence" | "group" | "format">,
): LedgerEntry {
  return { ...whose, operation, algorithm, messagesSent: 0, bytesSent: 0, bytesReceived: 0 };
}
