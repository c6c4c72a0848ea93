import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyMoments, mergeMoments, momentsOf, variance } from "../src/statistics/moments.ts";
import { RunningStatistics } from "../src/statistics/running-statistics.ts";
import { expectRelative } from "./support/close.ts";
import { normalGenerator } from "./support/normal-generator.ts";

/** A few hundred blends of numbers of one size: 2 roundings each. */
const blendTolerance = 1e-13;

/** Statistics of one channel that take in whole batches. */
function track(running: RunningStatistics, x: readonly number[]): void {
  const moments = momentsOf(x);
  const unbiased = moments.count < 2 ? Number.NaN : variance(moments, "unbiased");
  running.update(moments.count, [moments.mean], [unbiased]);
}

test("start at mean 0 and variance 1, as PyTorch's buffers do", () => {
  const running = new RunningStatistics(2, 0.1);
  expect([...running.runningMean, ...running.runningVariance]).toEqual([0, 0, 1, 1]);
  expect(running.batchesTracked).toBe(0);
});

test("momentum 1 remembers the unbiased variance of [1, 2, 3, 4], not the 1.25 that normalises", () => {
  // Hand: 5/4 and 5/3.
  const running = new RunningStatistics(1, 1);
  track(running, [1, 2, 3, 4]);
  expect(running.runningMean[0]).toBe(2.5);
  expectRelative(running.runningVariance[0]!, 5 / 3, blendTolerance);
});

test("PyTorch's momentum 0.1 is TensorFlow's 0.9", () => {
  // Definition of TensorFlow: run ← μ·run + (1 − μ)·batch, the weight of the OLD value.
  const normal = normalGenerator(26);
  const running = new RunningStatistics(1, 0.1);
  let mean = 0;
  let spread = 1;
  for (let step = 0; step < 100; step++) {
    const batch = momentsOf(Array.from({ length: 8 }, normal));
    running.update(8, [batch.mean], [variance(batch, "unbiased")]);
    mean = 0.9 * mean + (1 - 0.9) * batch.mean;
    spread = 0.9 * spread + (1 - 0.9) * variance(batch, "unbiased");
  }
  expect(Math.abs(running.runningMean[0]! - mean)).toBeLessThan(blendTolerance);
  expectRelative(running.runningVariance[0]!, spread, blendTolerance);
});

test("momentum null is the plain mean of all batches' statistics", () => {
  // Definition, as a slow reference.
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer(), fc.nat()), { minLength: 1, maxLength: 30 }), (batches) => {
      const running = new RunningStatistics(1, null);
      for (const [mean, spread] of batches) running.update(5, [mean], [spread]);
      const average = (index: 0 | 1): number =>
        batches.reduce((sum, batch) => sum + batch[index], 0) / batches.length;
      const scale = 2 ** 31;
      expect(Math.abs(running.runningMean[0]! - average(0))).toBeLessThan(blendTolerance * scale);
      expect(Math.abs(running.runningVariance[0]! - average(1))).toBeLessThan(blendTolerance * scale);
      expect(running.batchesTracked).toBe(batches.length);
    }),
  );
});

describe("an exponential average", () => {
  test("forgets where it started as (1 − m)^t", () => {
    // Closed form.
    for (const m of [0.01, 0.1, 0.5]) {
      const running = new RunningStatistics(1, m);
      for (let t = 1; t <= 50; t++) {
        running.update(4, [3], [7]);
        expectRelative(3 - running.runningMean[0]!, 3 * (1 - m) ** t, 1e-10);
        expectRelative(7 - running.runningVariance[0]!, 6 * (1 - m) ** t, 1e-10);
      }
    }
  });

  test("lags a drift of δ a step by δ(1 − m)/m", () => {
    // Closed form: 0.3 · 9 = 2.7 for m = 0.1; after 400 steps the start has faded to 5e-19.
    const running = new RunningStatistics(1, 0.1);
    for (let t = 1; t <= 400; t++) running.update(4, [0.3 * t], [1]);
    expectRelative(0.3 * 400 - running.runningMean[0]!, 2.7, 1e-11);
  });

  test("has variance m/(2 − m)·(1 − (1 − m)^2t) of a batch mean's", () => {
    // Closed form against 20,000 runs of t = 10 independent batch means N(0, 1): |z| < 5, where the
    // variance of a square of a Gaussian is twice its square.
    const [m, t, trials] = [0.1, 10, 20_000];
    const want = (m / (2 - m)) * (1 - (1 - m) ** (2 * t));
    const normal = normalGenerator(28);
    let sum = 0;
    for (let trial = 0; trial < trials; trial++) {
      const running = new RunningStatistics(1, m);
      for (let step = 0; step < t; step++) running.update(4, [normal()], [1]);
      sum += running.runningMean[0]! ** 2;
    }
    expect(Math.abs(sum / trials - want)).toBeLessThan(5 * want * Math.sqrt(2 / trials));
  });
});

test("a copied rank goes on from rank 0's history, as under DDP's broadcast_buffers", () => {
  // Definition: every rank's own batches are lost but the newest, blended into rank 0's statistics.
  for (const momentum of [0.1, null]) {
    const rank0 = new RunningStatistics(1, momentum);
    const rank1 = new RunningStatistics(1, momentum);
    track(rank0, [1, 2, 3, 4]);
    track(rank0, [2, 2, 4, 8]);
    track(rank1, [100, 200]);
    const payload = new Float64Array(4);
    rank0.copyTo(payload);
    rank1.copyFrom(payload);
    expect(rank1).toEqual(rank0);
    expect(rank1.batchesTracked).toBe(2);
    track(rank0, [5, 7]);
    track(rank1, [5, 7]);
    expect(rank1.runningMean).toEqual(rank0.runningMean);
    expect(rank1.runningVariance).toEqual(rank0.runningVariance);
  }
});

test("averaging ranks' variances misses exactly the variance between their means", () => {
  // Exact algebra: unbiased·(N−1)/N − mean(v_r) = Σ (n_r/N)(m_r − M)². By hand:
  // means 1, 2, 6 about 3 give (4 + 1 + 9)/3 = 14/3.
  const ranks = [
    [0, 2],
    [1, 3],
    [5, 7],
  ];
  const moments = ranks.map(momentsOf);
  const whole = moments.reduce(mergeMoments, emptyMoments);
  const synchronized = new RunningStatistics(1, 1);
  synchronized.update(whole.count, [whole.mean], [variance(whole, "unbiased")]);
  const mean = moments.reduce((sum, m) => sum + variance(m, "biased"), 0) / ranks.length;
  expectRelative(synchronized.runningVariance[0]! * (5 / 6) - mean, 14 / 3, blendTolerance);
});

test("an empty batch changes nothing", () => {
  const running = new RunningStatistics(1, null);
  track(running, [1, 3]);
  running.update(0, [Number.NaN], [Number.NaN]);
  expect([running.runningMean[0], running.runningVariance[0], running.batchesTracked]).toEqual([2, 2, 1]);
});

test("a batch of one value changes the mean and leaves the variance", () => {
  // Hand. The variance average then counts its own batches: the start value 1 does not come back.
  const running = new RunningStatistics(1, null);
  track(running, [4]);
  expect([running.runningMean[0], running.runningVariance[0]]).toEqual([4, 1]);
  track(running, [1, 3]);
  expect([running.runningMean[0], running.runningVariance[0]]).toEqual([3, 2]);
});

test("a momentum outside [0, 1] and a batch of other channels are refused", () => {
  expect(() => new RunningStatistics(1, 1.5)).toThrow(/got 1\.5/);
  expect(() => new RunningStatistics(2, 0.1).update(4, [1], [1])).toThrow(/1 channels for 2/);
});
