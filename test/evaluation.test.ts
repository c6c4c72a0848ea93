import { expect, test } from "vitest";
import type { LabelSkewSource } from "../src/scenario/data-source.ts";
import { classMeans, classShares } from "../src/scenario/label-skew.ts";
import { simulate } from "../src/simulate.ts";
import { momentsOf, variance } from "../src/statistics/moments.ts";
import { expectedLag } from "../src/statistics/running-expectations.ts";
import { RunningStatistics } from "../src/statistics/running-statistics.ts";
import { expectRelative } from "./support/close.ts";
import { zMaximum } from "./support/distribution.ts";
import { channelValues, measured } from "./support/evaluated.ts";
import { scenarioFrom } from "./support/scenario.ts";

const entry = (name: string, more: Record<string, unknown> = {}) => ({ name, type: "batch-norm", ...more });

test("gaps are root mean squares of differences of y on the held-out values", async () => {
  // Definition, value by value, on the same draws.
  const [ranks, channels, steps, batches] = [3, 4, 2, 2];
  const [weight, bias] = [
    [1, 2, -1, 0.5],
    [0, 1, 2, 3],
  ];
  const fields = {
    mesh: { data: ranks },
    data: {
      source: "heavy-tailed",
      degreesOfFreedom: 5,
      samples: [4, 6, 0],
      channels,
      positions: [2],
      mean: 2,
    },
    storage: "float64",
    trainingSteps: steps,
    normalizers: [entry("BN", { weight, bias, epsilon: 0.1 })],
    evaluation: { batches },
  };
  const scenario = scenarioFrom(fields);
  const { runningStatistics } = (await simulate(scenario)).normalizers[0]!;
  const { BN } = await measured(fields);
  const { ranks: buffers, whole } = BN!.evaluation!;
  const heldOut = Array.from({ length: channels }, (_, c) =>
    Array.from({ length: batches * ranks }, (_, b) =>
      channelValues(scenario, b % ranks, steps + Math.floor(b / ranks), c),
    ).flat(),
  );
  const y = (x: number, c: number, mean: number, spread: number): number =>
    (weight[c]! * (x - mean)) / Math.sqrt(spread + 0.1) + bias[c]!;
  const rms = (rank: number, reference: (c: number) => readonly [number, number]): number => {
    const { mean, variance: spread } = buffers[rank]!;
    const squares = heldOut.flatMap((values, c) =>
      values.map((x) => (y(x, c, mean[c]!, spread[c]!) - y(x, c, ...reference(c))) ** 2),
    );
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  };
  const { runningMean, runningVariance } = whole.running;
  for (let rank = 0; rank < ranks; rank++) {
    const trained = rms(rank, (c) => [runningMean[c]!, runningVariance[c]!]);
    expectRelative(runningStatistics!.evaluationGap.perRank[rank]!, trained, 1e-9);
    const population = rms(rank, (c) => {
      const moments = momentsOf(heldOut[c]!);
      return [moments.mean, variance(moments, "biased")];
    });
    expectRelative(runningStatistics!.populationGap.perRank[rank]!, population, 1e-9);
  }
});

test("the gap between training and evaluation is that of y on the last microbatch", async () => {
  // Definition: y as the pass left it, against the affine map of the running statistics after it.
  const want: (number | null)[] = [];
  const fields = {
    mesh: { data: 3 },
    data: { source: "gaussian", samples: [4, 0, 6], channels: 3, mean: 1 },
    storage: "float64",
    trainingSteps: 2,
    normalizers: [entry("ghost", { virtualBatch: 2, weight: 2, bias: 1 })],
    evaluation: {},
  };
  const report = await simulate(scenarioFrom(fields), {
    onPass({ ranks }) {
      want.length = 0;
      for (const { x, y, runningMean, runningVariance } of ranks) {
        const squares = Array.from(x, (value, i) => {
          const std = Math.sqrt(runningVariance[0]![i % 3]! + 1e-5);
          return (y[i]! - (2 * (value - runningMean[0]![i % 3]!)) / std - 1) ** 2;
        });
        const sum = squares.reduce((total, square) => total + square, 0);
        want.push(squares.length === 0 ? null : Math.sqrt(sum / squares.length));
      }
    },
  });
  const { perRank } = report.normalizers[0]!.runningStatistics!.trainEvalGap;
  expect(perRank[1]).toBe(null);
  for (const rank of [0, 2]) expectRelative(perRank[rank]!, want[rank]!, 1e-9);
});

test("the expected lag is that of a running mean that sees exactly the mean", () => {
  // Slow reference: RunningStatistics itself, fed with the path.
  for (const momentum of [0.1, 0.3, 1, null]) {
    for (const updatesPerStep of [1, 3]) {
      const path = { start: 2, drift: 0.3, trainingSteps: 25, updatesPerStep, momentum };
      const running = new RunningStatistics(1, momentum);
      for (let i = 0; i < 25 * updatesPerStep; i++)
        running.update(2, [2 + 0.3 * Math.floor(i / updatesPerStep)], [1]);
      expect(expectedLag(path)).toBeCloseTo(2 + 0.3 * 24 - running.runningMean[0]!, 10);
    }
  }
  // Closed form: δ(1 − m)/m, once the start has faded.
  const long = { start: 0, drift: 0.3, trainingSteps: 400, updatesPerStep: 1, momentum: 0.1 };
  expectRelative(expectedLag(long), 2.7, 1e-11);
  // A momentum of 0 never learns: the whole way is behind.
  expect(expectedLag({ ...long, start: 1, momentum: 0, trainingSteps: 11 })).toBeCloseTo(4, 12);
});

test("a drift of 0.3 σ a step is 2.7 σ ahead of a running mean of momentum 0.1", async () => {
  // Closed form. Var(lag) = σ²/n · m/(2 − m) per rank and channel, and σ²/N of what is held out, per channel.
  const [ranks, channels, samples, batches] = [4, 16, 8, 100];
  const report = await simulate(
    scenarioFrom({
      seed: 28,
      mesh: { data: ranks },
      data: { source: "gaussian", samples, channels, mean: 3, std: 2, drift: 0.3 },
      trainingSteps: 100,
      backward: false,
      normalizers: [entry("BN")],
      evaluation: { batches },
    }),
  );
  const { meanLag } = report.normalizers[0]!.runningStatistics!;
  // 1.5 σ of start, 0.9^100 of which is left, and 0.9^99 of the drift's lag is still to come.
  expectRelative(meanLag.expected, 2.7, 1e-3);
  const spread = Math.sqrt(
    0.1 / 1.9 / (samples * ranks * channels) + 1 / (ranks * samples * batches * channels),
  );
  expect(Math.abs(meanLag.mean! - meanLag.expected!) / spread).toBeLessThan(zMaximum);
});

test("averaging over R ranks divides the variance of running statistics by R; a broadcast does not", async () => {
  // Closed form: σ²/n · m/(2 − m)·(1 − (1 − m)^2t) for the mean, 2σ⁴/(n − 1) for σ²/n for the variance.
  const [ranks, channels, samples, steps, m] = [8, 400, 8, 12, 0.1];
  const records = await measured({
    seed: 24,
    mesh: { data: ranks },
    data: { source: "gaussian", samples, channels },
    trainingSteps: steps,
    backward: false,
    normalizers: [entry("per-rank"), ...["broadcast", "average"].map((b) => entry(b, { buffers: b }))],
    evaluation: { batches: 1 },
  });
  const factor = (m / (2 - m)) * (1 - (1 - m) ** (2 * steps));
  for (const { name, independent, divisor } of [
    { name: "per-rank", independent: ranks, divisor: 1 },
    { name: "broadcast", independent: 1, divisor: 1 },
    { name: "average", independent: 1, divisor: ranks },
  ]) {
    const own = records[name]!.evaluation!.ranks.slice(0, independent);
    // A mean of squares of Gaussians has relative variance 2/count; of an EMA of χ²₇ it is less than (12/7 + 2)/count.
    const means = own.flatMap(({ mean }) => Array.from(mean));
    expect(score(means, 0, factor / samples / divisor, 2)).toBeLessThan(zMaximum);
    const variances = own.flatMap((rank) => Array.from(rank.variance));
    const want = ((2 / (samples - 1)) * factor) / divisor;
    expect(score(variances, 1, want, 2 + 12 / (samples - 1))).toBeLessThan(zMaximum);
  }
});

/** |z| of the mean square about a centre, for a relative variance of one square. */
function score(values: readonly number[], centre: number, want: number, relativeVariance: number): number {
  const square = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length;
  return Math.abs(square / want - 1) / Math.sqrt(relativeVariance / values.length);
}

test("under label skew averaged buffers inflate x̂ to the total over the within-rank variance", async () => {
  // Closed form, per channel: V/E[v_r] = 1 + τ²/σ_w² = 1/(1 − ICC), from the class shares that were drawn.
  const [ranks, channels, samples, batches, m, steps] = [8, 32, 64, 40, 0.1, 40];
  const scenario = scenarioFrom({
    seed: 14,
    mesh: { data: ranks },
    data: { source: "label-skew", samples, channels, classes: 5, concentration: 1 },
    trainingSteps: steps,
    backward: false,
    normalizers: [entry("average", { buffers: "average" }), entry("precise", { buffers: "precise" })],
    evaluation: { batches, preciseBatches: batches },
  });
  const source = scenario.data as LabelSkewSource;
  const shares = Array.from({ length: ranks }, (_, rank) => classShares(source, scenario.seed, rank));
  const means = Array.from({ length: source.classes }, (_, k) => classMeans(source, scenario.seed, k));
  let inflation = 0;
  for (let c = 0; c < channels; c++) {
    const centres = shares.map((share) => share.reduce((sum, p, k) => sum + p * means[k]![c]!, 0));
    const within = shares.map(
      (share, r) => 1 + share.reduce((sum, p, k) => sum + p * (means[k]![c]! - centres[r]!) ** 2, 0),
    );
    const withinMean = within.reduce((sum, v) => sum + v, 0) / ranks;
    inflation += (1 + variance(momentsOf(centres), "biased") / withinMean) / channels;
  }
  expect(inflation).toBeGreaterThan(1.3);
  const [average, precise] = (await simulate(scenario)).normalizers.map(
    ({ runningStatistics }) => runningStatistics!.outputVariance.mean!,
  );
  // Relative sd of a channel's averaged running variance, at most Gaussian: √(2/(n − 1)·m/(2 − m)/R), and of V on the
  // held-out values √(2/N); channels share the ranks' labels, so that their mean is not surer than one of them. What
  // is left of the start, variance 1, is 0.9^40 of it.
  const spread = Math.sqrt(((2 / (samples - 1)) * (m / (2 - m))) / ranks + 2 / (ranks * samples * batches));
  const start = (1 - m) ** steps;
  expect(Math.abs(average! / inflation - 1)).toBeLessThan(zMaximum * spread + start);
  // Both from equally many values: 1 within √(4/N).
  expect(Math.abs(precise! - 1)).toBeLessThan(zMaximum * Math.sqrt(4 / (ranks * samples * batches)));
});
