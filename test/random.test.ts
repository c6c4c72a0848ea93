import { describe, expect, test } from "vitest";
import { exp, expm1, log, log1p } from "../src/scenario/elementary-functions.ts";
import { createRandomStream, RandomStream } from "../src/scenario/random.ts";
import { fnv1a64, splitMix64, streamState } from "../src/scenario/stream-state.ts";
import { kolmogorovSmirnov, ksMaximum, momentScores, normalCdf, zMaximum } from "./support/distribution.ts";

const key = { seed: 7, rank: 0, trainingStep: 0, purpose: "test" };

function draws(purpose: string, count: number, draw: (stream: RandomStream) => number): Float64Array {
  const stream = createRandomStream({ ...key, purpose });
  return Float64Array.from({ length: count }, () => draw(stream));
}

describe("published outputs", () => {
  // Oracle: the authors' xoshiro128starstar.c 1.1 from state {1, 2, 3, 4}, as in the tests of Rust's rand_xoshiro.
  test("xoshiro128** makes the numbers of its reference implementation", () => {
    const stream = new RandomStream([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => stream.bits())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  // Oracle: Vigna's splitmix64.c from 1234567.
  test("SplitMix64 makes the numbers of its reference implementation", () => {
    expect(splitMix64(1234567n, 5)).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });

  // Oracle: the test vectors of the FNV authors.
  test.each([
    ["", 0xcbf29ce484222325n],
    ["a", 0xaf63dc4c8601ec8cn],
    ["foobar", 0x85944171f73967e8n],
  ])("FNV-1a of %j is the published hash", (text, hash) => {
    expect(fnv1a64(text)).toBe(hash);
  });

  // Oracle: hand, from the two reference sequences above: uniform puts 27 bits before 26.
  test("a uniform draw is made of the high bits of two draws", () => {
    const stream = new RandomStream([1, 2, 3, 4]);
    expect(stream.uniform()).toBe((Math.floor(11520 / 32) * 2 ** 26 + 0) / 2 ** 53);
    expect(stream.uniform()).toBe((Math.floor(5927040 / 32) * 2 ** 26 + Math.floor(70819200 / 64)) / 2 ** 53);
  });
});

describe("streams", () => {
  test("one key always gives the same numbers", () => {
    expect(draws("same", 20, (s) => s.normal())).toEqual(draws("same", 20, (s) => s.normal()));
  });

  test("every part of a key changes the numbers", () => {
    const keys = [
      key,
      { ...key, seed: 8 },
      { ...key, rank: 1 },
      { ...key, rank: "all" as const },
      { ...key, trainingStep: 1 },
      { ...key, trainingStep: "all" as const },
      { ...key, purpose: "test " },
      // The same digits, cut elsewhere.
      { ...key, seed: 1, rank: 23 },
      { ...key, seed: 12, rank: 3 },
    ];
    expect(new Set(keys.map((each) => streamState(each).join())).size).toBe(keys.length);
  });

  // Oracle: invariant. The correlation of n independent pairs has mean 0 and variance 1/n.
  test("streams of neighbouring keys are not correlated", () => {
    const count = 10_000;
    const streams = [key, { ...key, seed: 8 }, { ...key, rank: 1 }, { ...key, trainingStep: 1 }].map(
      (each) => {
        const stream = createRandomStream(each);
        return Float64Array.from({ length: count }, () => stream.normal());
      },
    );
    for (const [i, a] of streams.entries()) {
      for (const b of streams.slice(i + 1)) {
        const z = a.reduce((sum, value, n) => sum + value * b[n]!, 0) / Math.sqrt(count);
        expect(Math.abs(z)).toBeLessThan(zMaximum);
      }
    }
  });

  test("the state from which only zeros come is refused", () => {
    expect(() => new RandomStream([0, 0, 0, 0])).toThrow(/only zeros/);
  });
});

const count = 100_000;

// Oracle: the moments and distribution functions of each law, in closed form.
describe("distributions", () => {
  test("uniform draws are uniform in [0, 1)", () => {
    const sample = draws("uniform", count, (s) => s.uniform());
    expect(sample.every((u) => u >= 0 && u < 1)).toBe(true);
    expect(kolmogorovSmirnov(sample, (u) => u)).toBeLessThan(ksMaximum);
    // Variance 1/12, kurtosis 9/5.
    for (const z of momentScores(sample, { mean: 1 / 2, variance: 1 / 12, kurtosis: 9 / 5 }))
      expect(Math.abs(z)).toBeLessThan(zMaximum);
  });

  test("uniform draws use all 53 bits", () => {
    const sample = draws("uniform", 1000, (s) => s.uniform());
    // Each bit is 1 in half of the draws: binomial, standard deviation sqrt(1000)/2.
    for (let bit = 1; bit <= 53; bit++) {
      const ones = sample.filter((u) => Math.floor(u * 2 ** bit) % 2 === 1).length;
      expect(Math.abs(ones - 500) / Math.sqrt(250)).toBeLessThan(zMaximum);
    }
  });

  test("normal draws are normal", () => {
    const sample = draws("normal", count, (s) => s.normal());
    expect(kolmogorovSmirnov(sample, normalCdf)).toBeLessThan(ksMaximum);
    for (const z of momentScores(sample, { mean: 0, variance: 1, kurtosis: 3 }))
      expect(Math.abs(z)).toBeLessThan(zMaximum);
    // The fourth power of a normal has mean 3 and variance 105 − 9.
    const fourth = sample.reduce((sum, z) => sum + z ** 4, 0) / count;
    expect(Math.abs(fourth - 3) / Math.sqrt(96 / count)).toBeLessThan(zMaximum);
    // Normals come in pairs: the two of a pair are independent.
    let product = 0;
    for (let i = 0; i < count; i += 2) product += sample[i]! * sample[i + 1]!;
    expect(Math.abs(product) / Math.sqrt(count / 2)).toBeLessThan(zMaximum);
  });

  test.each([
    [0.5, (x: number) => 2 * normalCdf(Math.sqrt(2 * x)) - 1],
    [1, (x: number) => 1 - Math.exp(-x)],
    [2, (x: number) => 1 - (1 + x) * Math.exp(-x)],
    [3, (x: number) => 1 - (1 + x + (x * x) / 2) * Math.exp(-x)],
  ])("gamma draws of shape %d follow its distribution function", (shape, cdf) => {
    const sample = draws("gamma", count, (s) => s.gamma(shape));
    expect(kolmogorovSmirnov(sample, cdf)).toBeLessThan(ksMaximum);
  });

  test.each([0.2, 0.9, 1, 7.3, 400])("gamma draws of shape %d have its mean and variance", (shape) => {
    const sample = draws("gamma", count, (s) => s.gamma(shape));
    for (const z of momentScores(sample, { mean: shape, variance: shape, kurtosis: 3 + 6 / shape }))
      expect(Math.abs(z)).toBeLessThan(zMaximum);
  });

  // Oracle: for shape a -> 0, −a ln(gamma) tends to an exponential of mean 1; P(off) is of order a.
  test("logarithms of gamma draws stay finite where the draws underflow", () => {
    const sample = draws("gamma", count, (s) => -1e-9 * s.logGamma(1e-9));
    expect(draws("gamma", 100, (s) => s.gamma(1e-9)).every((x) => x === 0)).toBe(true);
    expect(kolmogorovSmirnov(sample, (x) => 1 - Math.exp(-x))).toBeLessThan(ksMaximum);
  });

  test("a logarithm of a gamma draw is that of the draw", () => {
    const logs = draws("gamma", 100, (s) => s.logGamma(2.5));
    expect(draws("gamma", 100, (s) => log(s.gamma(2.5)))).toEqual(logs);
  });

  test.each([0, -1, Number.NaN])("gamma of shape %d is refused", (shape) => {
    expect(() => createRandomStream(key).gamma(shape)).toThrow(/gamma of shape/);
  });

  test("whole numbers are uniform and both ends occur", () => {
    const sample = draws("integer", 60_000, (s) => s.integer(-2, 3));
    const counts = [-2, -1, 0, 1, 2, 3].map((value) => sample.filter((x) => x === value).length);
    expect(counts.reduce((a, b) => a + b)).toBe(60_000);
    // Binomial: 60 000 draws of probability 1/6.
    for (const n of counts)
      expect(Math.abs(n - 10_000) / Math.sqrt((60_000 * 5) / 36)).toBeLessThan(zMaximum);
    expect(createRandomStream(key).integer(4, 4)).toBe(4);
    expect(() => createRandomStream(key).integer(4, 3)).toThrow(/no whole number from 4 to 3/);
  });
});

// Oracle: Math.log and Math.exp, which V8 takes from fdlibm: within 1 unit in the last place.
describe("elementary functions", () => {
  // Ours: about 3 roundings in the series and 2 in the sum, each half a unit of at most twice the result.
  const ulps = 5 * 2 ** -52;

  test("log is within a few units in the last place of Math.log", () => {
    const stream = createRandomStream({ ...key, purpose: "log" });
    let worst = 0;
    for (let i = 0; i < 20_000; i++) {
      const x = i % 2 === 0 ? stream.uniform() : 2 ** stream.integer(-1000, 1000) * (1 + stream.uniform());
      worst = Math.max(worst, Math.abs(log(x) / Math.log(x) - 1));
    }
    expect(worst).toBeLessThan(ulps);
  });

  test("exp is within a few units in the last place of Math.exp", () => {
    const stream = createRandomStream({ ...key, purpose: "exp" });
    let worst = 0;
    for (let i = 0; i < 20_000; i++) {
      const x = stream.uniform() * 1400 - 700;
      worst = Math.max(worst, Math.abs(exp(x) / Math.exp(x) - 1));
    }
    expect(worst).toBeLessThan(ulps);
  });

  // Oracle: Math.log1p and Math.expm1. A correction adds 3 roundings and the error of a second function.
  for (const [name, ours, theirs] of [
    ["log1p", log1p, Math.log1p],
    ["expm1", expm1, Math.expm1],
  ] as const) {
    test(`${name} is within a few units in the last place of Math.${name}, for small arguments too`, () => {
      const stream = createRandomStream({ ...key, purpose: name });
      let worst = 0;
      for (let i = 0; i < 20_000; i++) {
        const x = (stream.uniform() - 0.5) * 2 ** stream.integer(-60, 1) * 0.999;
        worst = Math.max(worst, Math.abs(ours(x) / theirs(x) - 1));
      }
      expect(worst).toBeLessThan(2 * ulps);
      expect(ours(0)).toBe(0);
    });
  }

  test("expm1 ends at −1 and infinity", () => {
    expect([expm1(-1e300), expm1(-40), expm1(1e300)]).toEqual([-1, -1, Infinity]);
  });

  test("the ends of float64 are where they belong", () => {
    expect(log(1)).toBe(0);
    expect(exp(0)).toBe(1);
    expect([exp(-1e300), exp(-750), exp(710.5), exp(1e300)]).toEqual([0, 0, Infinity, Infinity]);
    expect(log(Number.MIN_VALUE)).toBeCloseTo(Math.log(Number.MIN_VALUE), 10);
    expect(exp(709.7)).toBeLessThan(Infinity);
    for (const x of [0, -1, Infinity, Number.NaN]) expect(() => log(x)).toThrow(/log of/);
  });
});
