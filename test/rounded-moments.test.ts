import { describe, expect, test } from "vitest";
import { type Axis, indexSetsOf } from "../src/kernels/index-sets.ts";
import { scalarKernels } from "../src/kernels/scalar.ts";
import { countValues } from "../src/kernels/set-counts.ts";
import { roundedMoments } from "../src/normalizers/rounded-moments.ts";
import { type NumberFormat, unitRoundoff } from "../src/scenario/number-format.ts";
import type { MomentsAlgorithm } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { momentsOf } from "../src/statistics/moments.ts";
import { normalGenerator } from "./support/normal-generator.ts";
import { scenarioFrom } from "./support/scenario.ts";

const algorithms: readonly MomentsAlgorithm[] = ["two-pass", "one-pass", "welford", "shifted"];

/** Moments of one set of values. */
function momentsBy(algorithm: MomentsAlgorithm, accumulate: NumberFormat, x: Float32Array | Float64Array) {
  const extent = { samples: x.length, channels: 1, positions: 1 };
  const sets = indexSetsOf(extent, ["samples", "positions"]);
  const [count, mean, m2] = [Float64Array.of(x.length), new Float64Array(1), new Float64Array(1)];
  const clamped = roundedMoments(algorithm, accumulate, { input: { x, mask: null }, sets, count, mean, m2 });
  return { mean: mean[0]!, variance: m2[0]! / x.length, clamped };
}

/** Worst relative error of the variance over 20 draws of N(kappa, 1). */
function worstError(algorithm: MomentsAlgorithm, accumulate: NumberFormat, kappa: number, n: number): number {
  const errors = Array.from({ length: 20 }, (_, seed) => {
    const draw = normalGenerator(seed + 1);
    const x = Float32Array.from({ length: n }, () => kappa + draw());
    const { m2 } = momentsOf(x);
    return Math.abs(momentsBy(algorithm, accumulate, x).variance - m2 / n) / (m2 / n);
  });
  return Math.max(...errors);
}

/** Additions in a row on the way of a value into a sum of n: a lane of n/8, three to fold, one to the set's sum. */
const depthOf = (n: number) => n / 8 + 4;

describe("float32, 4096 values", () => {
  const n = 4096;
  const u = unitRoundoff("float32");

  // Oracle: error analysis. E[x²] is σ²(1 + κ²) and each of its roundings is lost against σ²: at least one does
  // harm; k of them in a row behave like √k (Higham, Mary 2019, SIAM J. Sci. Comput. 41(5), A2815), and E[x]²
  // has as many again, twice. Published: 6e-5, 3e-3, 3e-2, .12, 2 and 30 for these κ with pairwise sums.
  test.each([16, 128, 410, 1000, 4096, 1e4])(
    "one-pass is wrong by u(1 + κ²) to 3√k times that at κ = %d",
    (kappa) => {
      const error = worstError("one-pass", "float32", kappa, n);
      expect(error).toBeGreaterThan(u * (1 + kappa ** 2));
      expect(error).toBeLessThan(3 * Math.sqrt(depthOf(n)) * u * (1 + kappa ** 2));
    },
  );

  // The same analysis: two passes lose √k·u, and what the mean is off, (√k·u·κ)²; a shift by a value of the set
  // makes κ at most about 4, Welford adds one value after the other: k is n, and each δ carries u·κ.
  test.each([16, 128, 410, 1000, 4096, 1e4])("two-pass, shifted and Welford hold at κ = %d", (kappa) => {
    const k = Math.sqrt(depthOf(n)) * u;
    expect(worstError("two-pass", "float32", kappa, n)).toBeLessThan(k + (k * kappa) ** 2);
    expect(worstError("shifted", "float32", kappa, n)).toBeLessThan(3 * k * (1 + 4 ** 2));
    expect(worstError("welford", "float32", kappa, n)).toBeLessThan(Math.sqrt(n) * u * (1 + kappa));
  });

  test("one-pass is more than half wrong at κ = 4096, two passes in float64 are not off by 1e-12", () => {
    expect(worstError("one-pass", "float32", 4096, n)).toBeGreaterThan(0.5);
    // κ²·n·u of float64 is 7.6e-6 of u32: the mean's error squared vanishes, the sums lose n·u.
    expect(worstError("two-pass", "float64", 4096, n)).toBeLessThan(n * unitRoundoff("float64"));
  });
});

// Oracle: the breaking point u^-1/2, where one rounding of E[x²] is as large as the variance.
test.each([
  ["float32", 4096],
  ["float16", 45],
  ["bfloat16", 16],
] as const)("one-pass in %s is all wrong at κ = %d", (format, kappa) => {
  expect(Math.round(unitRoundoff(format) ** -0.5)).toBe(kappa);
  expect(worstError("one-pass", format, kappa, 256)).toBeGreaterThan(1);
});

describe("every operation in float32 is float32's own", () => {
  // Oracle: the textbooks' loops with Math.fround after each operation, over samples of one of two channels, whose
  // sums run in memory order.
  const f = Math.fround;
  const aboutShift = (x: readonly number[], shift: number) => {
    const [sum, squares] = x.reduce(
      ([s, q], value) => [f(s + f(value - shift)), f(q + f(f(value - shift) * f(value - shift)))] as const,
      [0, 0] as readonly [number, number],
    );
    const first = f(sum / x.length);
    const variance = f(f(squares / x.length) - f(first * first));
    return [f(shift + first), Math.max(0, variance) * x.length];
  };
  const references: Readonly<Record<MomentsAlgorithm, (x: readonly number[]) => number[]>> = {
    "two-pass": (x) => {
      const mean = f(x.reduce((sum, value) => f(sum + value), 0) / x.length);
      return [mean, x.reduce((sum, value) => f(sum + f(f(value - mean) * f(value - mean))), 0)];
    },
    "one-pass": (x) => aboutShift(x, 0),
    shifted: (x) => aboutShift(x, x[0]!),
    welford: (x) => {
      let [mean, m2] = [0, 0];
      for (const [before, value] of x.entries()) {
        const delta = f(value - mean);
        mean = f(mean + f(delta / (before + 1)));
        m2 = f(m2 + f(delta * f(value - mean)));
      }
      return [mean, m2];
    },
  };
  // Few values: what one rounding moves fades in the mean of many.
  test.each(algorithms)("%s", (algorithm) => {
    const draw = normalGenerator(5);
    const sets = indexSetsOf({ samples: 5, channels: 2, positions: 1 }, ["samples"]);
    for (let trial = 0; trial < 200; trial++) {
      const x = Float32Array.from({ length: 10 }, () => 3 + draw());
      const [count, mean, m2] = [Float64Array.of(5, 5), new Float64Array(2), new Float64Array(2)];
      roundedMoments(algorithm, "float32", { input: { x, mask: null }, sets, count, mean, m2 });
      for (const channel of [0, 1]) {
        const own = Array.from(x).filter((_, i) => i % 2 === channel);
        expect([mean[channel], m2[channel]]).toEqual(references[algorithm](own));
      }
    }
  });
});

describe("in float16", () => {
  const x = Float32Array.from({ length: 64 }, (_, i) => 300 + (i % 8));
  // Oracle: by hand. 300² = 90,000 is beyond 65,504; (0..7) has variance (8² − 1)/12, deviations ±3.5 at most.
  test("x² overflows at 300 in one pass; two passes, a shift and Welford do not square x", () => {
    expect(momentsBy("one-pass", "float16", x).variance).toBeNaN();
    for (const algorithm of ["two-pass", "shifted", "welford"] as const) {
      const small = Float32Array.from({ length: 64 }, (_, i) => i % 8);
      const { variance } = momentsBy(
        algorithm,
        "float16",
        Float32Array.from(small, (value) => value + 256),
      );
      // 64 values: at most 12 roundings of 2^-11 in a row in lanes, 2 · 64 in Welford's recurrence.
      expect(Math.abs(variance - 5.25)).toBeLessThan(5.25 * 128 * 2 ** -11);
    }
  });

  // Oracle: by hand. A square from 65520 on, of x from 255.97 on, rounds to infinity; ∞ − ∞ is NaN.
  test("x² is infinite above 255.9", () => {
    expect(momentsBy("one-pass", "float16", Float32Array.of(255.875)).variance).toBe(0);
    expect(momentsBy("one-pass", "float16", Float32Array.of(256)).variance).toBeNaN();
  });
});

describe("a negative variance", () => {
  // Oracle: an invariant; at κ = 10,000 the sign of what is left of the variance is a matter of chance.
  test("is taken as 0 and counted", () => {
    let clamped = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const draw = normalGenerator(seed);
      const got = momentsBy(
        "one-pass",
        "float32",
        Float32Array.from({ length: 256 }, () => 1e4 + draw()),
      );
      clamped += got.clamped;
      expect(got.variance).toBeGreaterThanOrEqual(0);
      if (got.clamped === 1) expect(got.variance).toBe(0);
    }
    expect(clamped).toBeGreaterThan(0);
  });

  test("is not what NaN becomes", () => {
    for (const algorithm of algorithms) {
      const got = momentsBy(algorithm, "float32", Float32Array.of(1, Number.NaN, 2));
      expect(got.variance).toBeNaN();
      expect(got.clamped).toBe(0);
    }
  });
});

describe("in float64", () => {
  const extent = { samples: 3, channels: 4, positions: 5 };
  const elements = 60;
  const mask = Uint8Array.from({ length: 15 }, (_, i) => (i % 4 === 1 ? 0 : 1));
  const reductions: readonly [Axis[], number][] = [
    [["samples", "positions"], 1],
    [["channels"], 1],
    [["channels", "positions"], 2],
    [["positions"], 1],
  ];

  // Oracle: the kernels, whose order this documents as its own.
  test("two passes have the bits of the kernels, over any index sets", () => {
    const x = Float64Array.from({ length: elements }, (_, i) => Math.fround(((i * 37) % 23) / 7));
    for (const [reduces, groups] of reductions) {
      for (const valid of [null, mask]) {
        const sets = indexSetsOf(extent, reduces, groups);
        const input = { x, mask: valid };
        const take = () => new Float64Array(sets.setCount);
        const [count, mean, m2, sum, squares] = [take(), take(), take(), take(), take()];
        countValues(sets, valid, count);
        roundedMoments("two-pass", "float64", { input, sets, count, mean, m2 });
        scalarKernels.sums(input, sets, sum);
        scalarKernels.squares(input, sets, mean, squares);
        expect(mean).toEqual(sum.map((value, set) => (count[set] === 0 ? 0 : value / count[set]!)));
        expect(m2).toEqual(squares);
        for (const algorithm of ["one-pass", "welford", "shifted"] as const) {
          const [otherMean, otherM2] = [take(), take()];
          roundedMoments(algorithm, "float64", { input, sets, count, mean: otherMean, m2: otherM2 });
          for (let set = 0; set < sets.setCount; set++) {
            // Values of order 1, sets of at most 15: a few dozen roundings of 2^-53.
            expect(Math.abs(otherMean[set]! - mean[set]!)).toBeLessThan(1e-14);
            expect(Math.abs(otherM2[set]! - m2[set]!)).toBeLessThan(1e-13);
          }
        }
      }
    }
  });
});

describe("a normaliser's moments", () => {
  const types = [
    { type: "batch-norm", group: "world" },
    { type: "batch-renorm", group: "world" },
    { type: "layer-norm" },
    { type: "group-norm", groups: 2 },
    { type: "instance-norm" },
  ];

  // Oracle: an invariant; at κ = 3000 and in float32 one pass loses most of the variance, a shift keeps it.
  test.each(types)("$type is far off with one-pass in float32, and is not with shifted", async (fields) => {
    const entry = (moments: string) => ({ ...fields, name: moments, moments, accumulate: "float32" });
    const report = await simulate(
      scenarioFrom({
        mesh: { data: 2 },
        data: { source: "gaussian", samples: 4, channels: 8, positions: [16], mean: 3000 },
        normalizers: [entry("one-pass"), entry("shifted")],
      }),
    );
    const [onePass, shifted] = report.normalizers.map(
      ({ divergence }) => divergence.outputMse.mean ?? Infinity,
    );
    expect(onePass).toBeGreaterThan(1e-2);
    expect(shifted).toBeLessThan(1e-6);
  });
});
