import { emptyMoments, type Moments, mergeMoments, type VarianceKind } from "./moments.ts";
import { RunningStatistics, trackMoments } from "./running-statistics.ts";

/** How running statistics take in batches. */
export interface Tracking {
  /** See RunningStatistics. */
  readonly momentum: number | null;
  /** One update for all batches of a training step instead of one for each. */
  readonly deferred: boolean;
}

/**
 * Running statistics and the batches of a training step that they have not taken in yet.
 *
 * Deferred, the batches of a step are merged and count as one. torchgpipe, whose idea it is, remembers the merged
 * batch's biased variance; here it is the one that the normaliser's implementation takes for every other update.
 *
 * @see torch/distributed/pipeline/sync/batchnorm.py, DeferredBatchNorm
 */
export class StatisticsTracker {
  readonly running: RunningStatistics;
  /** Per channel; null where updates are not deferred. */
  readonly #pending: Moments[] | null;
  readonly #kind: VarianceKind;

  /** @param kind of the variance that is remembered. */
  constructor(channels: number, { momentum, deferred }: Tracking, kind: VarianceKind) {
    this.running = new RunningStatistics(channels, momentum);
    this.#kind = kind;
    this.#pending = deferred ? new Array<Moments>(channels).fill(emptyMoments) : null;
  }

  /** Take in a batch of `count` values per channel. */
  observe(count: number, batch: { readonly mean: Float64Array; readonly m2: Float64Array }): void {
    const pending = this.#pending;
    if (pending === null) trackMoments(this.running, count, batch, this.#kind);
    else
      for (const [c, earlier] of pending.entries())
        pending[c] = mergeMoments(earlier, { count, mean: batch.mean[c]!, m2: batch.m2[c]! });
  }

  /** The training step is over: take in what was deferred. */
  endStep(): void {
    const pending = this.#pending;
    if (pending === null) return;
    const mean = Float64Array.from(pending, (moments) => moments.mean);
    const m2 = Float64Array.from(pending, (moments) => moments.m2);
    trackMoments(this.running, pending[0]!.count, { mean, m2 }, this.#kind);
    pending.fill(emptyMoments);
  }
}
