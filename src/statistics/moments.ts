import { assert } from "../assert.ts";

/**
 * Count, mean and sum of squared deviations of a set of values: enough to merge sets exactly.
 * An empty set is { count: 0, mean: 0, m2: 0 }.
 */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Σ (x − mean)². */
  readonly m2: number;
}

/** The moments of no values: the identity of `mergeMoments`. */
export const emptyMoments: Moments = { count: 0, mean: 0, m2: 0 };

/**
 * Moments of a list of values, in two passes.
 *
 * **Order**: index order, float64. This is the slow reference; the kernels sum in lanes.
 */
export function momentsOf(x: ArrayLike<number>): Moments {
  if (x.length === 0) return emptyMoments;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]!;
  const mean = sum / x.length;
  let m2 = 0;
  for (let i = 0; i < x.length; i++) m2 += (x[i]! - mean) ** 2;
  return { count: x.length, mean, m2 };
}

/**
 * Merge the moments of two disjoint sets, as if both had been seen at once.
 *
 * Count-weighted, so ranks may hold microbatches of different size, or none. The weighted-sum
 * form commutes bit for bit; it does not associate: fold ranks in ascending order.
 *
 * @see Chan, Golub, LeVeque (1979), Stanford CS-TR-79-773
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const delta = b.mean - a.mean;
  return {
    count,
    mean: (a.count * a.mean + b.count * b.mean) / count,
    m2: a.m2 + b.m2 + delta * delta * ((a.count * b.count) / count),
  };
}

/** Whether a variance divides by count (`biased`) or by count − 1. */
export type VarianceKind = "biased" | "unbiased";

/**
 * Variance of a set: `biased` divides by count (what normalises), `unbiased` by count − 1 (what
 * PyTorch's runningVariance takes).
 *
 * @throws AssertionError if there are too few values: none, or 1 for `unbiased`.
 */
export function variance(m: Moments, kind: VarianceKind): number {
  const divisor = kind === "biased" ? m.count : m.count - 1;
  assert(
    divisor > 0,
    `${kind} variance needs more values than a set of ${m.count} sample${m.count === 1 ? "" : "s"}`,
  );
  return m.m2 / divisor;
}
