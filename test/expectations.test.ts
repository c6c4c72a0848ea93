import { describe, expect, test } from "vitest";
import {
  expectedBetweenRankShare,
  expectedJeffreys,
  expectedKl,
  expectedLogVarianceRatio,
  expectedMeanGap,
  expectedOutputCosine,
  expectedOutputMse,
  expectedW2,
} from "../src/statistics/expectations.ts";
import { expectedDivergence } from "../src/statistics/expected-divergence.ts";
import { logGammaHalfStep } from "../src/statistics/gamma-functions.ts";
import { expectRelative } from "./support/close.ts";
import { gaussianOracles } from "./support/gaussian-oracles.ts";

const unitRoundoff = 2 ** -53;
/** Gamma functions near argument 16 are up to 28, so 28 · 4 roundings come through as 1e-14; the rest is slack. */
const closedFormTolerance = 1e-12;

const formulas = {
  meanGap: expectedMeanGap,
  logVarianceRatio: expectedLogVarianceRatio,
  kl: expectedKl,
  jeffreys: expectedJeffreys,
  w2: expectedW2,
  outputMse: expectedOutputMse,
};

// Oracle: gaussian-oracles.py (mpmath, 40 digits).
for (const name of Object.keys(formulas) as (keyof typeof formulas)[]) {
  test(`the expected ${name} equals mpmath's closed form for 1 to 1e8 values`, () => {
    for (const row of gaussianOracles.rows) {
      const got = formulas[name](row.n, row.N);
      const want = row[name];
      if (want === null) {
        expect(got, `n=${row.n} N=${row.N}`).toBeNull();
        continue;
      }
      // Where n is close to N, two terms of size 1/n, each good to a few roundings, all but cancel.
      const cancelled = (8 * unitRoundoff) / row.n;
      const relative = closedFormTolerance + (want === 0 ? 0 : cancelled / Math.abs(want));
      expectRelative(got, want, relative, `n=${row.n} N=${row.N}`);
    }
  });
}

test("a half step of the gamma function gives mpmath's c_n = √(2/n) Γ(n/2)/Γ((n−1)/2)", () => {
  for (const { n, std } of gaussianOracles.rows) {
    if (n === 1) continue;
    const got = Math.sqrt((n - 1) / n) * Math.exp(logGammaHalfStep((n - 1) / 2));
    expectRelative(got, std, closedFormTolerance, `n=${n}`);
  }
});

describe("one group that holds every value", () => {
  // Invariant: synchronised over everything, nothing differs.
  test.each([1, 2, 3, 17, 1e7])("diverges by exactly 0 at %d values", (n) => {
    expect(expectedDivergence([n])).toStrictEqual({
      meanGap: 0,
      logVarianceRatio: 0,
      kl: 0,
      jeffreys: 0,
      w2: 0,
      outputMse: 0,
      outputCosine: 1,
      gradientCosine: 1,
      betweenRankShare: 0,
    });
  });
});

test("two single values are each 1 standard deviation from their mean", () => {
  // Hand: for any two values m − M = ±√V, so meanGap and the share are 1, W2²/s² = (V + V)/(2V) = 1,
  // and a single value's xHat is 0 where the pair's is ±1.
  const expected = expectedDivergence([1, 1]);
  expectRelative(expected.meanGap, 1, closedFormTolerance);
  expect(expected).toMatchObject({
    logVarianceRatio: null,
    kl: null,
    jeffreys: null,
    w2: 1,
    outputMse: 1,
    outputCosine: null,
    gradientCosine: null,
    betweenRankShare: 1,
  });
});

test("eight groups of eight have the published table's expectations", () => {
  // Closed form, by hand from 2(1 − n/N)/(n−3) = 7/20, (G−1)/(N−1), 2(1 − c_n/c_N) and its half.
  const expected = expectedDivergence(Array<number>(8).fill(8));
  expectRelative(expected.jeffreys, 0.35, closedFormTolerance);
  expectRelative(expected.betweenRankShare, 7 / 63, closedFormTolerance);
  expectRelative(expected.outputMse, 0.173086131, 1e-8);
  expectRelative(expected.outputCosine, 1 - 0.173086131 / 2, 1e-8);
});

test("empty groups are left out", () => {
  // Invariant: a group without values normalises nothing.
  expect(expectedDivergence([0, 6, 0, 9])).toStrictEqual(expectedDivergence([6, 9]));
  expect(expectedDivergence([0, 0]).meanGap).toBeNull();
});

test("uneven groups average moments by group and outputs by value", () => {
  // Closed form: the per-group expectations, weighted by hand.
  const expected = expectedDivergence([4, 12]);
  expectRelative(
    expected.meanGap,
    (expectedMeanGap(4, 16) + expectedMeanGap(12, 16)) / 2,
    closedFormTolerance,
  );
  const mse = (4 * expectedOutputMse(4, 16) + 12 * expectedOutputMse(12, 16)) / 16;
  expectRelative(expected.outputMse, mse, closedFormTolerance);
  expectRelative(expected.outputCosine, 1 - mse / 2, closedFormTolerance);
});

test("a metric without an expectation in one group has none", () => {
  expect(expectedDivergence([3, 30])).toMatchObject({ jeffreys: null });
  expect(expectedDivergence([2, 30])).toMatchObject({ gradientCosine: null });
  expect(expectedDivergence([1, 30])).toMatchObject({ kl: null, logVarianceRatio: null });
});

test("counts that are no partition are refused", () => {
  expect(() => expectedMeanGap(5, 4)).toThrow(/5 values is no part of 4/);
  expect(() => expectedOutputCosine([4, 0])).toThrow(/counts 4, 0/);
  expect(() => expectedBetweenRankShare([])).toThrow(/got none/);
});
