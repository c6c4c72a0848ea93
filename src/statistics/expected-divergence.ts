import {
  expectedBetweenRankShare,
  expectedJeffreys,
  expectedKl,
  expectedLogVarianceRatio,
  expectedMeanGap,
  expectedOutputCosine,
  expectedOutputMse,
  expectedW2,
} from "./expectations.ts";
import { expectedGradientCosine } from "./gradient-cosine.ts";

/** The average of each divergence metric under i.i.d. Gaussian data and epsilon 0; null where there is none. */
export interface ExpectedDivergence {
  readonly meanGap: number | null;
  readonly logVarianceRatio: number | null;
  readonly kl: number | null;
  readonly jeffreys: number | null;
  readonly w2: number | null;
  readonly outputMse: number | null;
  readonly outputCosine: number | null;
  readonly gradientCosine: number | null;
  readonly betweenRankShare: number | null;
}

/** No closed form for anything. */
export const noExpectation: ExpectedDivergence = {
  meanGap: null,
  logVarianceRatio: null,
  kl: null,
  jeffreys: null,
  w2: null,
  outputMse: null,
  outputCosine: null,
  gradientCosine: null,
  betweenRankShare: null,
};

/** Where mean squares stand for the moments: means are taken as 0, and the rest depends on the data's means. */
export const expectedOfMeanSquares: ExpectedDivergence = {
  ...noExpectation,
  meanGap: 0,
  betweenRankShare: 0,
};

/**
 * What a normaliser's divergence is on average when the data are i.i.d. Gaussian: exactly 0, and
 * cosines exactly 1, when one group holds every value.
 *
 * `groupCounts`: values of one channel in each group; groups of none are left out. The metrics of
 * moments (meanGap to w2) average over groups with equal weight; outputMse and the cosines pool the
 * values of all groups. Cosines compare xHat, and dx for i.i.d. Gaussian dy.
 */
export function expectedDivergence(groupCounts: readonly number[]): ExpectedDivergence {
  const counts = groupCounts.filter((n) => n > 0);
  if (counts.length === 0) return noExpectation;
  const N = counts.reduce((sum, n) => sum + n, 0);
  const average = (of: (n: number, N: number) => number | null): number | null =>
    weightedSum(counts, of, () => 1 / counts.length, N);
  return {
    meanGap: average(expectedMeanGap),
    logVarianceRatio: average(expectedLogVarianceRatio),
    kl: average(expectedKl),
    jeffreys: average(expectedJeffreys),
    w2: average(expectedW2),
    outputMse: weightedSum(counts, expectedOutputMse, (n) => n / N, N),
    outputCosine: expectedOutputCosine(counts),
    gradientCosine: expectedGradientCosine(counts),
    betweenRankShare: expectedBetweenRankShare(counts),
  };
}

/** Null if any group's expectation is. */
function weightedSum(
  counts: readonly number[],
  of: (n: number, N: number) => number | null,
  weight: (n: number) => number,
  N: number,
): number | null {
  let sum = 0;
  for (const n of counts) {
    const value = of(n, N);
    if (value === null) return null;
    sum += weight(n) * value;
  }
  return sum;
}
