import type { Operation } from "./schedule.ts";

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
  messagesSent: number;
  bytesSent: number;
  bytesReceived: number;
}
