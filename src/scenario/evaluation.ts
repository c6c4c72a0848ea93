/**
 * Which running statistics a rank evaluates with: its own history (`per-rank`), rank 0's (`broadcast`, before the
 * forward pass of every training step and evaluation), the mean of all ranks' (`average`, before an evaluation), or
 * those of fresh microbatches, as the moments of all their values (`precise`) or the mean of their statistics
 * (`precise-average`).
 */
export type Buffers = "per-rank" | "broadcast" | "average" | "precise" | "precise-average";

/** What happens after the last training step: fresh microbatches in evaluation mode. */
export interface Evaluation {
  /** Held-out microbatches of each rank; every rank's running statistics are judged on those of all ranks. */
  readonly batches: number;
  /** Microbatches of each rank that precise statistics are estimated from; given where a normaliser does so. */
  readonly preciseBatches?: number;
}
