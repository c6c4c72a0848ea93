import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { divergenceOf } from "../src/statistics/divergence.ts";
import { emptyMoments, type Moments, mergeMoments, momentsOf, variance } from "../src/statistics/moments.ts";
import { summarize } from "../src/statistics/summary.ts";
import { expectRelative } from "./support/close.ts";

const unitRoundoff = 2 ** -53;
/** A dozen operations on numbers of one size, none of which cancels: 16 roundings. */
const arithmeticTolerance = 16 * unitRoundoff;

/** Values on a grid, so that nothing is lost where they nearly agree. */
const values = (minLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength, maxLength: 20 });

/** Moments of a batch and of the groups it is made of. */
function partition(groups: readonly number[][]): { locals: Moments[]; global: Moments } {
  const locals = groups.map((group) => momentsOf(group));
  return { locals, global: locals.reduce(mergeMoments, emptyMoments) };
}

describe("ranks [1, 2, 3] and [10]", () => {
  const { locals, global } = partition([[1, 2, 3], [10]]);
  const [first, second] = locals as [Moments, Moments];

  test("merge to mean 4, variance 12.5 and unbiased variance 50/3", () => {
    // Hand.
    expect(global.mean).toBe(4);
    expect(variance(global, "biased")).toBe(12.5);
    expectRelative(variance(global, "unbiased"), 50 / 3, arithmeticTolerance);
  });

  test("diverge as worked out by hand", () => {
    // Hand: m = 2, v = 2/3, so v/V = 4/75, (m − M)²/V = 8/25, s² = 50/3.
    const got = divergenceOf(first, global);
    expectRelative(got.meanGap, Math.sqrt(8 / 25), arithmeticTolerance);
    expectRelative(got.logVarianceRatio, Math.log(4 / 75), arithmeticTolerance);
    expectRelative(got.kl, (4 / 75 + 8 / 25 - 1 - Math.log(4 / 75)) / 2, arithmeticTolerance);
    expectRelative(got.jeffreys, (4 / 75 + 75 / 4 - 2 + 8 / 25 + 4 / (2 / 3)) / 2, arithmeticTolerance);
    expectRelative(got.w2, (4 + (Math.sqrt(2 / 3) - Math.sqrt(12.5)) ** 2) / (50 / 3), arithmeticTolerance);
  });

  test("leave the single value infinitely far in KL and finitely far in Wasserstein distance", () => {
    // Hand: m = 10, v = 0.
    const got = divergenceOf(second, global);
    expectRelative(got.meanGap, 6 / Math.sqrt(12.5), arithmeticTolerance);
    expect(got).toMatchObject({
      logVarianceRatio: Number.NEGATIVE_INFINITY,
      kl: Number.POSITIVE_INFINITY,
      jeffreys: Number.POSITIVE_INFINITY,
    });
    expectRelative(got.w2, (36 + 12.5) / (50 / 3), arithmeticTolerance);
  });
});

test("equal moments diverge by exactly 0", () => {
  // Invariant.
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (x) => {
      const moments = momentsOf(x);
      expect(Object.values(divergenceOf(moments, moments)).every((metric) => metric === 0)).toBe(true);
    }),
  );
});

test("a constant batch diverges by exactly 0, however it is split", () => {
  // Hand: m = M and v = V = 0. The merged mean of equal means may differ in its last bit.
  const { locals, global } = partition([[0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [0.1]]);
  const exact = { ...global, m2: 0 };
  for (const local of locals) expect(divergenceOf(local, exact)).toMatchObject({ meanGap: 0, kl: 0, w2: 0 });
});

test("kl keeps its digits for nearly equal and for very unequal variances", () => {
  // Closed form: with d = v/V − 1 small, kl = d²/4 − d³/6 + ...; the log of v/V = 1e-20 is −20 ln 10.
  // V = 3 and v = 3 + 2^-18 are exact, v/V is not. The series drops d⁴/8.
  const count = 2 ** 20;
  const d = 2 ** -18 / 3;
  const near = divergenceOf(
    { count, mean: 0, m2: count * (3 + 2 ** -18) },
    { count, mean: 0, m2: count * 3 },
  );
  expectRelative(near.kl, d ** 2 / 4 - d ** 3 / 6, (4 * unitRoundoff) / d + d ** 2);
  const far = divergenceOf({ count: 1e6, mean: 0, m2: 1e-14 }, { count: 1e6, mean: 0, m2: 1e6 });
  expectRelative(far.kl, (20 * Math.LN10 - 1) / 2, arithmeticTolerance);
});

test("w2 by V is the mean square output error of the group", () => {
  // Exact algebra: mean over the group of ((x − m)/√v − (x − M)/√V)² = [(m − M)² + (√v − √V)²]/V. The
  // slow side cancels where the group's values are close to each other, hence absolute 1e-9 of its terms.
  fc.assert(
    fc.property(values(2), values(1), (a, b) => {
      const { locals, global } = partition([a, b]);
      const local = locals[0]!;
      fc.pre(local.m2 > 0);
      const std = Math.sqrt(variance(local, "biased"));
      const stdGlobal = Math.sqrt(variance(global, "biased"));
      let square = 0;
      for (const x of a) square += ((x - local.mean) / std - (x - global.mean) / stdGlobal) ** 2;
      const w2ByV = (divergenceOf(local, global).w2 * global.count) / (global.count - 1);
      expect(Math.abs(w2ByV - square / a.length)).toBeLessThan(1e-9 * (1 + w2ByV));
    }),
  );
});

test("kl and jeffreys are not negative, and jeffreys is kl there and back", () => {
  // Invariant (Gibbs) and definition.
  const klOf = (m: number, v: number, M: number, V: number): number =>
    (v / V + (m - M) ** 2 / V - 1 - Math.log(v / V)) / 2;
  fc.assert(
    fc.property(values(2), values(1), (a, b) => {
      const { locals, global } = partition([a, b]);
      const local = locals[0]!;
      fc.pre(local.m2 > 0);
      const { kl, jeffreys } = divergenceOf(local, global);
      expect(kl).toBeGreaterThanOrEqual(0);
      const v = variance(local, "biased");
      const V = variance(global, "biased");
      const back = klOf(global.mean, V, local.mean, v);
      // The definition cancels against its terms, the largest of which is 1 + back.
      expect(Math.abs(jeffreys - kl - back)).toBeLessThan(1e-12 * (1 + jeffreys));
    }),
  );
});

test("a group that is empty or larger than the batch is refused", () => {
  const batch = momentsOf([1, 2]);
  expect(() => divergenceOf(emptyMoments, batch)).toThrow(/0 values/);
  expect(() => divergenceOf(momentsOf([1, 2, 3]), batch)).toThrow(/3 values is no part of a batch of 2/);
});

describe("a summary", () => {
  test("takes the percentile between order statistics, as NumPy does", () => {
    // Oracle: NumPy 2.4.6: np.percentile([4, 1, 3, 2], 95) = 3.85; np.percentile(range(101), 95) = 95.
    const small = summarize([4, 1, 3, 2], 0.5);
    expect(small).toMatchObject({ mean: 2.5, max: 4, min: 1, expected: 0.5 });
    expectRelative(small.p95, 3.85, arithmeticTolerance);
    expect(
      summarize(
        Float64Array.from({ length: 101 }, (_, i) => i),
        null,
      ).p95,
    ).toBe(95);
  });

  test("of one value is that value", () => {
    expect(summarize([7], null)).toStrictEqual({ mean: 7, p95: 7, max: 7, min: 7, expected: null });
  });

  test("has null for what is not finite", () => {
    // Hand: of 41 values the 95th percentile is the 39th in order; the infinity is the 41st.
    const mostlyFinite = [...Array<number>(40).fill(1), Number.POSITIVE_INFINITY];
    expect(summarize(mostlyFinite, null)).toMatchObject({ mean: null, p95: 1, max: null, min: 1 });
    expect(summarize([Number.NEGATIVE_INFINITY, 0], null)).toMatchObject({ mean: null, max: 0, min: null });
    expect(summarize([Number.NaN, 2], null)).toMatchObject({ mean: null, p95: null, max: null, min: 2 });
  });

  test("of no values is null throughout", () => {
    expect(summarize([], 3)).toStrictEqual({ mean: null, p95: null, max: null, min: null, expected: 3 });
  });
});
