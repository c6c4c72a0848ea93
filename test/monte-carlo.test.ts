import { describe, test } from "vitest";
import { divergenceOf } from "../src/statistics/divergence.ts";
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
import { digammaExcess, logGammaHalfStep } from "../src/statistics/gamma-functions.ts";
import { type Moments, variance } from "../src/statistics/moments.ts";
import { countsOf, drawTrials, expectMean, type Trial, trueMean } from "./support/gaussian-trials.ts";

// Oracle: the closed forms, against what i.i.d. Gaussian data do. A row passes if the mean over all
// trials is within 5 standard errors, taken from the trials, of the formula. Seeds are fixed.

interface Row {
  readonly name: string;
  /** Below this n the mean or its standard error is infinite or 0. */
  readonly minimum: number;
  readonly of: (trial: Trial) => number;
  readonly expected: (n: number, N: number) => number;
}

/** c_n = √(2/n) Γ(n/2)/Γ((n−1)/2), which expectations.test.ts holds against mpmath. */
const keptStd = (n: number): number => Math.sqrt((n - 1) / n) * Math.exp(logGammaHalfStep((n - 1) / 2));
const biased = (m: Moments): number => variance(m, "biased");
const xHat = (x: number, m: Moments): number => (x - m.mean) / Math.sqrt(biased(m));
const truth: Moments = { count: 2 ** 40, mean: trueMean, m2: 2 ** 40 };

function average(x: readonly number[], of: (value: number) => number): number {
  return x.reduce((sum, value) => sum + of(value), 0) / x.length;
}

/** Σ n(m − M)². */
function between({ locals, global }: Trial): number {
  return locals.reduce((sum, m) => sum + m.count * (m.mean - global.mean) ** 2, 0);
}

const moments: Row[] = [
  {
    name: "Var(m) = 1/n",
    minimum: 2,
    of: ({ local }) => (local.mean - trueMean) ** 2,
    expected: (n) => 1 / n,
  },
  {
    name: "E (m − M)² = 1/n − 1/N",
    minimum: 2,
    of: ({ local, global }) => (local.mean - global.mean) ** 2,
    expected: (n, N) => 1 / n - 1 / N,
  },
  {
    name: "E Σ n(m − M)² = R − 1",
    minimum: 2,
    of: between,
    expected: (n, N) => countsOf(n, N).length - 1,
  },
  { name: "E v = (n−1)/n", minimum: 2, of: ({ local }) => biased(local), expected: (n) => (n - 1) / n },
  {
    name: "Var(s²) = 2/(n−1)",
    minimum: 2,
    of: ({ local }) => (variance(local, "unbiased") - 1) ** 2,
    expected: (n) => 2 / (n - 1),
  },
  { name: "E √v = c_n", minimum: 2, of: ({ local }) => Math.sqrt(biased(local)), expected: keptStd },
  {
    name: "E 1/√v = √(n/2) Γ((n−2)/2)/Γ((n−1)/2)",
    minimum: 8,
    of: ({ local }) => 1 / Math.sqrt(biased(local)),
    expected: (n) => Math.sqrt(n / (n - 2)) * Math.exp(-logGammaHalfStep((n - 2) / 2)),
  },
  {
    name: "in-batch kurtosis = 3(n−1)/(n+1)",
    minimum: 3,
    of: ({ group, local }) => average(group, (x) => xHat(x, local) ** 4),
    expected: (n) => (3 * (n - 1)) / (n + 1),
  },
  {
    name: "variance of a fresh value, normalised = (n+1)/(n−3)",
    minimum: 8,
    of: ({ local, fresh }) => xHat(fresh, local) ** 2,
    expected: (n) => (n + 1) / (n - 3),
  },
];

const againstTruth: Row[] = [
  {
    name: "KL(local ‖ true) = ½[ln(n/2) − ψ((n−1)/2)]",
    minimum: 2,
    of: ({ local }) => divergenceOf(local, truth).kl,
    expected: (n) => -(Math.log1p(-1 / n) + digammaExcess((n - 1) / 2)) / 2,
  },
  {
    name: "J(local, true) = 2/(n−3)",
    minimum: 8,
    of: ({ local }) => divergenceOf(local, truth).jeffreys,
    expected: (n) => 2 / (n - 3),
  },
  {
    name: "W2²(local, true) = 2(1 − c_n)",
    minimum: 2,
    of: ({ local }) => divergenceOf(local, truth).w2,
    expected: (n) => 2 * (1 - keptStd(n)),
  },
];

const againstGlobal: Row[] = [
  {
    name: "meanGap",
    minimum: 2,
    of: ({ local, global }) => divergenceOf(local, global).meanGap,
    expected: expectedMeanGap,
  },
  {
    name: "logVarianceRatio",
    minimum: 2,
    of: ({ local, global }) => divergenceOf(local, global).logVarianceRatio,
    expected: (n, N) => expectedLogVarianceRatio(n, N)!,
  },
  {
    name: "kl",
    minimum: 2,
    of: ({ local, global }) => divergenceOf(local, global).kl,
    expected: (n, N) => expectedKl(n, N)!,
  },
  {
    name: "jeffreys",
    minimum: 8,
    of: ({ local, global }) => divergenceOf(local, global).jeffreys,
    expected: (n, N) => expectedJeffreys(n, N)!,
  },
  { name: "w2", minimum: 2, of: ({ local, global }) => divergenceOf(local, global).w2, expected: expectedW2 },
  {
    name: "W2² in units of the true variance, as w2",
    minimum: 2,
    of: ({ local, global }) => divergenceOf(local, global).w2 * variance(global, "unbiased"),
    expected: expectedW2,
  },
  {
    name: "outputMse",
    minimum: 2,
    of: ({ group, local, global }) => average(group, (x) => (xHat(x, local) - xHat(x, global)) ** 2),
    expected: expectedOutputMse,
  },
  {
    name: "outputCosine",
    minimum: 2,
    of: ({ locals, global }) =>
      locals.reduce((sum, m) => sum + m.count * Math.sqrt(biased(m) / biased(global)), 0) / global.count,
    expected: (n, N) => expectedOutputCosine(countsOf(n, N))!,
  },
  {
    name: "betweenRankShare",
    minimum: 2,
    of: (trial) => between(trial) / trial.global.m2,
    expected: (n, N) => expectedBetweenRankShare(countsOf(n, N)),
  },
];

for (const [n, N] of [
  [2, 8],
  [3, 12],
  [8, 32],
  [10, 34],
  [16, 32],
] as const) {
  describe(`${n} of ${N} Gaussian values`, () => {
    const trials = drawTrials(n, N);
    for (const { name, minimum, of, expected } of [...moments, ...againstTruth, ...againstGlobal]) {
      if (n < minimum) continue;
      test(`follow the closed form of ${name}`, () => expectMean(trials.map(of), expected(n, N), name));
    }
  });
}

test("a single value of eight follows the closed forms that hold for one", () => {
  const trials = drawTrials(1, 8);
  const gaps = trials.map(({ local, global }) => divergenceOf(local, global));
  expectMean(
    gaps.map(({ meanGap }) => meanGap),
    expectedMeanGap(1, 8),
    "meanGap",
  );
  expectMean(
    gaps.map(({ w2 }) => w2),
    expectedW2(1, 8),
    "w2",
  );
  expectMean(
    trials.map(({ local, global }) => xHat(local.mean, global) ** 2),
    expectedOutputMse(1, 8),
    "outputMse",
  );
});

test("the F statistic of i.i.d. ranks exceeds its 95th percentile in 5 % of batches", () => {
  // Oracle: SciPy 1.17.1: stats.f.ppf(0.95, 3, 28).
  const quantile = 2.946685266017264;
  const exceeds = drawTrials(8, 32).map((trial) => {
    const within = trial.locals.reduce((sum, m) => sum + m.m2, 0);
    return between(trial) / 3 / (within / 28) > quantile ? 1 : 0;
  });
  expectMean(exceeds, 0.05, "P(F > q95)");
});
