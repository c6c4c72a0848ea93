import { assert } from "../assert.ts";
import type { VarianceKind } from "./moments.ts";

/**
 * What BatchNorm remembers for evaluation, one mean and one variance per channel.
 *
 * As in PyTorch: running ← (1 − momentum) · running + momentum · batch, where momentum is the weight
 * of the NEW batch (Keras and Flax name the weight of the old one), and the variance that is
 * remembered is the unbiased one, although the biased one normalises.
 */
export class RunningStatistics {
  /** Starts at 0. */
  readonly runningMean: Float64Array;
  /** Starts at 1. */
  readonly runningVariance: Float64Array;
  readonly #momentum: number | null;
  #meansTracked = 0;
  #variancesTracked = 0;

  /** `momentum` null: cumulative average, every batch weighs the same. */
  constructor(channels: number, momentum: number | null) {
    assert(
      momentum === null || (momentum >= 0 && momentum <= 1),
      `momentum is a weight in [0, 1] or null, got ${momentum}`,
    );
    this.runningMean = new Float64Array(channels);
    this.runningVariance = new Float64Array(channels).fill(1);
    this.#momentum = momentum;
  }

  /** How many batches the running mean has seen. */
  get batchesTracked(): number {
    return this.#meansTracked;
  }

  /**
   * Take in the statistics of one batch of `count` values per channel.
   *
   * An empty batch changes nothing. A batch of one value has no unbiased variance: it changes the mean
   * only. (PyTorch refuses that batch on one device, and divides by 0 on several.)
   */
  update(count: number, mean: ArrayLike<number>, unbiasedVariance: ArrayLike<number>): void {
    if (count < 1) return;
    this.#meansTracked++;
    blend(this.runningMean, mean, this.#momentum ?? 1 / this.#meansTracked);
    if (count < 2) return;
    this.#variancesTracked++;
    blend(this.runningVariance, unbiasedVariance, this.#momentum ?? 1 / this.#variancesTracked);
  }

  /** Become a copy of another rank's statistics, as DDP's broadcast_buffers does with rank 0's before a forward pass. */
  copyFrom(source: RunningStatistics): void {
    this.runningMean.set(source.runningMean);
    this.runningVariance.set(source.runningVariance);
    this.#meansTracked = source.#meansTracked;
    this.#variancesTracked = source.#variancesTracked;
  }
}

/** running ← (1 − weight) · running + weight · batch. */
function blend(running: Float64Array, batch: ArrayLike<number>, weight: number): void {
  assert(
    batch.length === running.length,
    `a batch of ${batch.length} channels for ${running.length} running ones`,
  );
  for (let c = 0; c < running.length; c++) running[c] = (1 - weight) * running[c]! + weight * batch[c]!;
}

/** Remember the moments of a batch of `count` values per channel, its variance biased or not. */
export function trackMoments(
  running: RunningStatistics,
  count: number,
  { mean, m2 }: { readonly mean: Float64Array; readonly m2: Float64Array },
  kind: VarianceKind,
): void {
  const divisor = kind === "biased" ? count : count - 1;
  running.update(
    count,
    mean,
    m2.map((squares) => squares / divisor),
  );
}
