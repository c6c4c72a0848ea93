import { assert } from "../assert.ts";
import { exp, expm1, log1p } from "../scenario/elementary-functions.ts";
import { digammaExcess, logGammaHalfStep } from "./gamma-functions.ts";

// What the divergence metrics are on average when all N values of a channel are i.i.d. Gaussian, for
// a group that holds n of them, with epsilon 0. m and v are the group's mean and biased variance, M
// and V those of all N values. The formulas are exact for finite N. They follow from Cochran's
// theorem: v/V and (m − M)²/V are Beta variables up to a factor, and neither depends on V.
// c_n = E[√v] / σ = √(2/n) Γ(n/2) / Γ((n−1)/2) is how much of the true standard deviation n values
// keep: about 1 − 3/(4n).

/** E |m − M| / √V = √((N−n)/n) Γ((N−1)/2) / (√π Γ(N/2)). */
export function expectedMeanGap(n: number, N: number): number {
  assertPart(n, N);
  if (n === N) return 0;
  const x = (N - 1) / 2;
  return Math.sqrt((N - n) / (n * Math.PI * x)) * exp(-logGammaHalfStep(x));
}

/** E ln(v/V) = ψ((n−1)/2) − ψ((N−1)/2) + ln(N/n); null for a single value, whose variance is 0. */
export function expectedLogVarianceRatio(n: number, N: number): number | null {
  assertPart(n, N);
  if (n === N) return 0;
  return n < 2 ? null : expectedLogVariance(n) - expectedLogVariance(N);
}

/** E KL(N(m, v) ‖ N(M, V)) = −½ E ln(v/V), as v/V + (m−M)²/V is 1 on average; null for a single value. */
export function expectedKl(n: number, N: number): number | null {
  const logVarianceRatio = expectedLogVarianceRatio(n, N);
  return logVarianceRatio === null || n === N ? logVarianceRatio : -logVarianceRatio / 2;
}

/** E of KL(local ‖ global) + KL(global ‖ local) = 2(1 − n/N)/(n−3); null for n ≤ 3, where it is infinite. */
export function expectedJeffreys(n: number, N: number): number | null {
  assertPart(n, N);
  if (n === N) return 0;
  return n <= 3 ? null : (2 * (N - n)) / (N * (n - 3));
}

/**
 * E W2² / s² = 2(1 − 1/N)(1 − c_n/c_N): squared Wasserstein-2 distance of the two Gaussians, by the
 * unbiased variance s² = V·N/(N−1).
 */
export function expectedW2(n: number, N: number): number {
  assertPart(n, N);
  return n === N ? 0 : 2 * (1 - 1 / N) * stdLoss(n, N);
}

/**
 * E of the mean square of xHat(group) − xHat(all) over a group's values = 2(1 − c_n/c_N), and 1 for a
 * single value, whose own xHat is 0.
 */
export function expectedOutputMse(n: number, N: number): number {
  assertPart(n, N);
  if (n === N) return 0;
  return n === 1 ? 1 : 2 * stdLoss(n, N);
}

/**
 * E of the cosine between xHat normalised in groups and xHat normalised as one, over the values of one
 * channel in every group. `counts`: values in each group, at least 1. With every n ≥ 2 it is
 * Σ (n/N) c_n/c_N; groups of a single value are 0 and shorten their side. Null if all are.
 */
export function expectedOutputCosine(counts: readonly number[]): number | null {
  const N = total(counts);
  if (counts.length === 1) return 1;
  let product = 0;
  let square = 0;
  for (const n of counts) {
    if (n === 1) continue;
    product += n * (1 - stdLoss(n, N));
    square += n;
  }
  return square === 0 ? null : product / Math.sqrt(square * N);
}

/** E Σ (n/N)(m − M)² / V = (G−1)/(N−1) for G groups: the share of the variance that lies between groups. */
export function expectedBetweenRankShare(counts: readonly number[]): number {
  const N = total(counts);
  return counts.length === 1 ? 0 : (counts.length - 1) / (N - 1);
}

/** N: how many values the groups hold together. */
function total(counts: readonly number[]): number {
  assert(counts.length > 0, "an expectation needs a group, got none");
  let sum = 0;
  for (const n of counts) {
    assert(n >= 1, `a group needs a value, got counts ${counts.join(", ")}`);
    sum += n;
  }
  return sum;
}

function assertPart(n: number, N: number): void {
  assert(n >= 1 && n <= N, `a group of ${n} values is no part of ${N}`);
}

/** 1 − c_n/c_N, without cancellation; c_1 is 0. */
function stdLoss(n: number, N: number): number {
  return n === 1 ? 1 : -expm1(logExpectedStd(n) - logExpectedStd(N));
}

/** ln c_n, n ≥ 2. */
function logExpectedStd(n: number): number {
  return 0.5 * log1p(-1 / n) + logGammaHalfStep((n - 1) / 2);
}

/** E ln(v/σ²) = ψ((n−1)/2) − ln(n/2), n ≥ 2. */
function expectedLogVariance(n: number): number {
  return log1p(-1 / n) + digammaExcess((n - 1) / 2);
}
