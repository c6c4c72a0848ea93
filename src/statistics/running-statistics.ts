import { assert } from "../assert.ts";
import type { FloatArray } from "../kernels/kernels.ts";
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

  /** Write everything that is remembered to `payload`, 2C + 2 values: [means | variances | batches behind each]. */
  copyTo(payload: FloatArray): void {
    payload.set(this.runningMean, 0);
    payload.set(this.runningVariance, this.runningMean.length);
    payload.set([this.#meansTracked, this.#variancesTracked], 2 * this.runningMean.length);
  }

  /** Become what some rank's `copyTo` has written. */
  copyFrom(payload: FloatArray): void {
    const channels = this.runningMean.length;
    assert(payload.length === 2 * channels + 2, `${payload.length} values for ${channels} channels`);
    this.runningMean.set(payload.subarray(0, channels));
    this.runningVariance.set(payload.subarray(channels, 2 * channels));
    this.#meansTracked = payload[2 * channels]!;
    this.#variancesTracked = payload[2 * channels + 1]!;
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
