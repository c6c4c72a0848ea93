import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyMoments, type Moments, mergeMoments, momentsOf, variance } from "../src/statistics/moments.ts";

const unitRoundoff = 2 ** -53;
const reals = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 40 });

/** Sums of n values differ by at most n·u·Σ|x| in each of two orders; with κ terms for the squares. */
function expectSameMoments(got: Moments, want: Moments, x: readonly number[]): void {
  const largest = Math.max(1, ...x.map(Math.abs));
  const bound = 8 * (x.length + 2) * unitRoundoff;
  expect(got.count).toBe(want.count);
  expect(Math.abs(got.mean - want.mean)).toBeLessThanOrEqual(bound * largest);
  expect(Math.abs(got.m2 - want.m2)).toBeLessThanOrEqual(bound * x.length * largest ** 2);
}

// Oracle: NumPy 2.4.6: x.mean(), x.var(), x.var(ddof=1). Small integers: exact.
const rows = [
  { name: "two points", x: [1, 3], mean: 2, biased: 1, unbiased: 2 },
  { name: "a constant", x: [7, 7, 7], mean: 7, biased: 0, unbiased: 0 },
  { name: "offset 1e4", x: [9999, 10000, 10001], mean: 10000, biased: 2 / 3, unbiased: 1 },
  { name: "signed values", x: [-4, -2, 2, 4], mean: 0, biased: 10, unbiased: 40 / 3 },
];

for (const { name, x, mean, biased, unbiased } of rows) {
  test(`moments of ${name} are NumPy's`, () => {
    const got = momentsOf(Float32Array.from(x));
    expect(got.mean).toBe(mean);
    expect(variance(got, "biased")).toBe(biased);
    expect(variance(got, "unbiased")).toBe(unbiased);
  });
}

test("merging every split equals one pass, empty parts included", () => {
  fc.assert(
    fc.property(reals, (x) => {
      for (let cut = 0; cut <= x.length; cut++) {
        const merged = mergeMoments(momentsOf(x.slice(0, cut)), momentsOf(x.slice(cut)));
        expectSameMoments(merged, momentsOf(x), x);
      }
    }),
  );
});

test("merging associates within rounding", () => {
  fc.assert(
    fc.property(reals, reals, reals, (x, y, z) => {
      const [a, b, c] = [momentsOf(x), momentsOf(y), momentsOf(z)] as const;
      const left = mergeMoments(mergeMoments(a, b), c);
      expectSameMoments(left, mergeMoments(a, mergeMoments(b, c)), [...x, ...y, ...z]);
    }),
  );
});

test("merging commutes bit for bit", () => {
  fc.assert(
    fc.property(reals, reals, (x, y) => {
      const [a, b] = [momentsOf(x), momentsOf(y)] as const;
      expect(mergeMoments(a, b)).toStrictEqual(mergeMoments(b, a));
    }),
  );
});

test("merging with no values changes no bit", () => {
  // Invariant: emptyMoments is the identity on either side. 3 · 0.1 / 3 is not 0.1, so it must not be computed.
  const moments = { count: 3, mean: 0.1, m2: 0.02 };
  expect(mergeMoments(moments, emptyMoments)).toStrictEqual(moments);
  expect(mergeMoments(emptyMoments, moments)).toStrictEqual(moments);
  expect(mergeMoments(emptyMoments, emptyMoments)).toStrictEqual(emptyMoments);
});

test("the δ form of the merged mean does not commute", () => {
  // Counterexample, found by search: 0.30000000000000004 one way, 0.3 the other. So mergeMoments weighs both.
  const deltaForm = (a: Moments, b: Moments): number =>
    a.mean + ((b.mean - a.mean) * b.count) / (a.count + b.count);
  const a = { count: 1, mean: 0.1, m2: 0 };
  const b = { count: 2, mean: 0.4, m2: 0 };
  expect(deltaForm(a, b)).not.toBe(deltaForm(b, a));
  expect(mergeMoments(a, b).mean).toBe(mergeMoments(b, a).mean);
});

test("the variance of a whole is the mean variance of its parts plus the variance of their means", () => {
  // Exact algebra: V = Σ (n_r/N) v_r + Σ (n_r/N)(m_r − M)².
  fc.assert(
    fc.property(
      fc.array(
        reals.filter((x) => x.length > 0),
        { minLength: 1, maxLength: 6 },
      ),
      (parts) => {
        const moments = parts.map(momentsOf);
        const whole = moments.reduce(mergeMoments, emptyMoments);
        let m2 = 0;
        for (const { count, mean, m2: within } of moments) m2 += within + count * (mean - whole.mean) ** 2;
        expectSameMoments(whole, { ...whole, m2 }, parts.flat());
      },
    ),
  );
});

test("a share p of zeros makes mean μ and variance σ² into (1 − p)μ and (1 − p)σ² + p(1 − p)μ²", () => {
  // Closed form: E x² is (1 − p)(σ² + μ²). Here p is 1/4, μ 6 and σ² 9: exact in binary.
  const padded = momentsOf([3, 3, 3, 9, 9, 9, 0, 0]);
  expect(padded.mean).toBe(0.75 * 6);
  expect(variance(padded, "biased")).toBe(0.75 * 9 + 0.25 * 0.75 * 36);
});

test("counts stay exact beyond 2^24, where float32 cannot tell n from n + 1", () => {
  // IEEE 754: float64 is exact to 2^53.
  const many = { count: 2 ** 24, mean: 1, m2: 5 };
  const one = momentsOf([1]);
  expect(Math.fround(2 ** 24 + 1)).toBe(2 ** 24);
  expect(mergeMoments(many, one)).toStrictEqual({ count: 2 ** 24 + 1, mean: 1, m2: 5 });
});

test("the variance of too few values is refused", () => {
  expect(() => variance(momentsOf([5]), "unbiased")).toThrow(/1 sample$/);
  expect(() => variance(emptyMoments, "biased")).toThrow(/0 samples$/);
});
