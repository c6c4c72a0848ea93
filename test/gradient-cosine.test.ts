import { expect, test } from "vitest";
import { expectedGradientCosine } from "../src/statistics/gradient-cosine.ts";
import { momentsOf, variance } from "../src/statistics/moments.ts";
import { expectRelative } from "./support/close.ts";
import { gaussianOracles } from "./support/gaussian-oracles.ts";
import { expectMean, trialCount } from "./support/gaussian-trials.ts";
import { normalGenerator } from "./support/normal-generator.ts";

/** The quadrature's steps promise 1e-9. */
const quadratureTolerance = 1e-9;

test("the expected gradient cosine of two groups equals mpmath's double integral", () => {
  for (const { counts, gradientCosine } of gaussianOracles.gradientCosines) {
    expectRelative(expectedGradientCosine(counts), gradientCosine, quadratureTolerance, `counts ${counts}`);
  }
});

test("the expected gradient cosine of two large groups is 1 − 5/(8n)", () => {
  // Closed form, first order: 2 of 2n dimensions lost give 1/(2n), the spread of 1/√v gives (1/8)·(1/n).
  const n = 1e5;
  expectRelative(1 - expectedGradientCosine([n, n])!, 5 / (8 * n), 1e-4);
});

test("groups that no gradient passes have no expected gradient cosine", () => {
  // Hand: dx is dy projected off 1 and x, which leaves n − 2 dimensions.
  expect(expectedGradientCosine([2, 8])).toBeNull();
  expect(expectedGradientCosine([1, 1])).toBeNull();
  expect(() => expectedGradientCosine([])).toThrow(/got none/);
});

/** dx of BatchNorm with weight 1 and epsilon 0 over one set. */
function gradientOf(x: readonly number[], dy: readonly number[]): number[] {
  const m = momentsOf(x);
  const std = Math.sqrt(variance(m, "biased"));
  const xHat = x.map((value) => (value - m.mean) / std);
  const meanDy = momentsOf(dy).mean;
  const slope = dy.reduce((sum, value, i) => sum + value * xHat[i]!, 0) / x.length;
  return dy.map((value, i) => (value - meanDy - xHat[i]! * slope) / std);
}

test.each([{ counts: [8, 8, 8, 8] }, { counts: [4, 4] }, { counts: [3, 5, 9] }])(
  "the gradient cosine of groups of $counts follows its expectation",
  ({ counts }) => {
    const normal = normalGenerator(counts.length);
    const N = counts.reduce((sum, n) => sum + n, 0);
    const cosines = Array.from({ length: trialCount }, () => {
      const x = Array.from({ length: N }, normal);
      const dy = Array.from({ length: N }, normal);
      let start = 0;
      const local = counts.flatMap((n) => {
        const part = [start, start + n] as const;
        start += n;
        return gradientOf(x.slice(...part), dy.slice(...part));
      });
      const global = gradientOf(x, dy);
      const dot = (a: readonly number[], b: readonly number[]): number =>
        a.reduce((sum, v, i) => sum + v * b[i]!, 0);
      return dot(local, global) / Math.sqrt(dot(local, local) * dot(global, global));
    });
    expectMean(cosines, expectedGradientCosine(counts)!, "gradientCosine");
  },
);
