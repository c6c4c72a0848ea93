import type { ValidationPoint } from "../validation.ts";

/** A published figure about steps with SyncBN and what is predicted for it. */
export interface SyncBatchNormRow extends ValidationPoint {
  /** What is compared, in words. */
  readonly quantity: string;
  /** Whether the figure holds more than the prediction covers, so that it only has to be above it. */
  readonly isUpperBound: boolean;
  /** What was fitted to the source, and what the source leaves open. */
  readonly note: string;
}
