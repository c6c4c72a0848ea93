import { type Communication, communicationOf } from "../cost/communication.ts";
import type { RankBuffers } from "../engine/evaluation-log.ts";
import type { NormalizerRecord, Simulation } from "../engine/simulation.ts";
import type { Buffers } from "../scenario/evaluation.ts";
import type { PoolingSpec } from "../scenario/scenario.ts";
import { momentsOf, variance } from "../statistics/moments.ts";
import { expectedLag } from "../statistics/running-expectations.ts";
import { type Summary, summarize } from "../statistics/summary.ts";

/** Root mean square distances of y, one for each rank; null where not finite, or where a rank has no values. */
export interface RankGap {
  readonly mean: number | null;
  readonly max: number | null;
  readonly perRank: readonly (number | null)[];
}

/**
 * The running statistics that ranks evaluate with, judged on held-out data of all ranks. M and V are the mean and
 * biased variance of a channel there.
 */
export interface RunningStatisticsReport {
  readonly buffers: Buffers;
  /** (M − running mean)/√V, per rank and channel. Expected for one Gaussian distribution: what is left of the start, and what a drift is ahead. */
  readonly meanLag: Summary;
  /** V/(running variance + ε): the variance of x̂ in evaluation, per rank and channel; 1 where statistics are right. */
  readonly outputVariance: Summary;
  /** Standard deviation over ranks of the running mean, over √V, per channel. */
  readonly meanSpread: Summary;
  /** Standard deviation over ranks of the running variance, over V, per channel. */
  readonly varianceSpread: Summary;
  /** y in evaluation against y with the running statistics of one device that trained on whole batches. */
  readonly evaluationGap: RankGap;
  /** y in evaluation against y with M and V. */
  readonly populationGap: RankGap;
  /** y in evaluation against y in training, on the last training microbatch, before ranks exchange buffers. */
  readonly trainEvalGap: RankGap;
  /** Before the evaluation, once; what every training step sends is in the normaliser's own `communication`. */
  readonly communication: Communication;
}

/** null without an evaluation, and for normalisers that track no statistics. */
export function runningStatisticsReport(
  { spec, evaluation, exchanges }: NormalizerRecord,
  simulation: Simulation,
): RunningStatisticsReport | null {
  if (evaluation === null || !("buffers" in spec)) return null;
  const { ranks, heldOut, whole, trainEvalMse } = evaluation;
  const population = {
    firstChannel: 0,
    mean: Float64Array.from(heldOut, ({ mean }) => mean),
    variance: Float64Array.from(heldOut, (moments) => variance(moments, "biased")),
  };
  const { runningMean, runningVariance } = whole.running;
  const trained = { firstChannel: 0, mean: runningMean, variance: runningVariance };
  const V = (c: number): number => population.variance[c]!;
  const entries = (of: (mean: number, running: number, c: number) => number): number[] =>
    ranks.flatMap((rank) =>
      Array.from(rank.mean, (mean, own) => of(mean, rank.variance[own]!, rank.firstChannel + own)),
    );
  const spread = (of: (rank: RankBuffers) => Float64Array, unit: (c: number) => number): Summary =>
    summarize(
      heldOut.map((_, c) => spreadOf(ranks, c, of) / unit(c)),
      null,
    );
  const gap = (reference: RankBuffers): RankGap =>
    gapOf(ranks.map((rank) => outputMse(rank, reference, population, spec)));
  const lag = entries((mean, _, c) => (population.mean[c]! - mean) / Math.sqrt(V(c)));
  const gain = entries((_, running, c) => V(c) / (running + spec.epsilon));
  return {
    buffers: spec.buffers,
    meanLag: summarize(lag, lagExpectation(spec, simulation)),
    outputVariance: summarize(gain, null),
    meanSpread: spread(
      ({ mean }) => mean,
      (c) => Math.sqrt(V(c)),
    ),
    varianceSpread: spread((rank) => rank.variance, V),
    evaluationGap: gap(trained),
    populationGap: gap(population),
    trainEvalGap: gapOf(trainEvalMse),
    communication: communicationOf(exchanges, simulation).forward,
  };
}

/** Standard deviation of a channel's entry over the ranks that hold it. */
function spreadOf(
  ranks: readonly RankBuffers[],
  channel: number,
  of: (rank: RankBuffers) => Float64Array,
): number {
  const values = ranks.flatMap((rank) => of(rank)[channel - rank.firstChannel] ?? []);
  return Math.sqrt(variance(momentsOf(values), "biased"));
}

/**
 * Mean over held-out values and over the rank's channels of the squared difference of two evaluations: both are
 * affine in x, so that the mean and variance of x give it exactly.
 */
function outputMse(
  rank: RankBuffers,
  reference: RankBuffers,
  population: RankBuffers,
  { weight, bias, epsilon }: PoolingSpec,
): number {
  const at = (value: number | readonly number[], c: number): number =>
    typeof value === "number" ? value : value[c]!;
  const affine = ({ firstChannel, mean, variance }: RankBuffers, c: number) => {
    const slope = at(weight, c) / Math.sqrt(variance[c - firstChannel]! + epsilon);
    return { slope, intercept: at(bias, c) - slope * mean[c - firstChannel]! };
  };
  let sum = 0;
  for (let own = 0; own < rank.mean.length; own++) {
    const c = rank.firstChannel + own;
    const [a, b] = [affine(rank, c), affine(reference, c)];
    const slope = a.slope - b.slope;
    const shift = slope * population.mean[c]! + a.intercept - b.intercept;
    sum += shift * shift + slope * slope * population.variance[c]!;
  }
  return sum / rank.mean.length;
}

/** From mean squares. The mean is over ranks that have one, in their order. */
function gapOf(meanSquares: readonly (number | null)[]): RankGap {
  const present = meanSquares.filter((square) => square !== null);
  const total = present.reduce((sum, square) => sum + square, 0);
  return {
    mean: rootOrNull(total / present.length),
    max: rootOrNull(present.reduce((most, square) => Math.max(most, square), 0)),
    perRank: meanSquares.map((square) => (square === null ? null : rootOrNull(square))),
  };
}

function rootOrNull(square: number): number | null {
  return Number.isFinite(square) ? Math.sqrt(square) : null;
}

/** A closed form exists for history (not for precise statistics) of channels that share one Gaussian. */
function lagExpectation(spec: PoolingSpec, { workload }: Simulation): number | null {
  const { data, trainingSteps, accumulation } = workload.scenario;
  const remembers = spec.buffers !== "precise" && spec.buffers !== "precise-average";
  const everyRankUpdates = workload.samples.every((samples) => samples === workload.samples[0]);
  if (data.source !== "gaussian" || data.channelSpread !== 0 || !remembers || !everyRankUpdates) return null;
  const slices =
    spec.type === "batch-norm" && spec.virtualBatch !== undefined
      ? Math.ceil(workload.samples[0]! / spec.virtualBatch)
      : 1;
  return expectedLag({
    start: data.mean / data.std,
    drift: data.drift,
    trainingSteps,
    updatesPerStep: spec.deferred ? 1 : slices * accumulation,
    momentum: spec.momentum,
  });
}
