import { expect } from "vitest";
import { type Moments, momentsOf } from "../../src/statistics/moments.ts";
import { normalGenerator } from "./normal-generator.ts";

/** Enough for formulas to be told apart at 1 %, few enough for a second. */
export const trialCount = 20_000;
/** Mean of the values; their standard deviation is 1. */
export const trueMean = 3;

/** One draw: a group of n values, the whole batch of N that begins with it, and one value more. */
export interface Trial {
  readonly group: readonly number[];
  readonly local: Moments;
  readonly global: Moments;
  /** Moments of the batch cut into groups of n; the last may be shorter. */
  readonly locals: readonly Moments[];
  readonly fresh: number;
}

/** N values cut into groups of n; the last may be shorter. */
export function countsOf(n: number, N: number): number[] {
  return Array.from({ length: Math.ceil(N / n) }, (_, i) => Math.min(n, N - i * n));
}

/** Throw unless the mean of `values` is within 5 standard errors, taken from themselves, of `want`. */
export function expectMean(values: readonly number[], want: number, label: string): void {
  const { mean, m2, count } = momentsOf(values);
  const z = (mean - want) / Math.sqrt(m2 / (count - 1) / count);
  expect(Math.abs(z), `${label}: mean ${mean}, formula ${want}, z = ${z}`).toBeLessThan(5);
}

/** `trialCount` draws of N values; the seed follows from n and N. */
export function drawTrials(n: number, N: number): Trial[] {
  const normal = normalGenerator(1000 * n + N);
  return Array.from({ length: trialCount }, () => {
    const x = Array.from({ length: N }, () => trueMean + normal());
    let start = 0;
    const locals = countsOf(n, N).map((count) => {
      const local = momentsOf(x.slice(start, start + count));
      start += count;
      return local;
    });
    const group = x.slice(0, n);
    return { group, local: locals[0]!, global: momentsOf(x), locals, fresh: trueMean + normal() };
  });
}
