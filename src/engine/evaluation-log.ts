import { createNormalizer } from "../normalizers/registry.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import { emptyMoments, type Moments, mergeMoments } from "../statistics/moments.ts";
import { StatisticsTracker } from "../statistics/statistics-tracker.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import type { Microstep } from "./microstep.ts";
import type { Workload } from "./workload.ts";

/** The running statistics that one rank evaluates with, of the channels that it holds. */
export interface RankBuffers {
  readonly firstChannel: number;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** What an evaluation of one normaliser found. */
export interface EvaluationLog {
  /** Running statistics as if every microbatch had been normalised over the whole batch; all channels. */
  readonly whole: StatisticsTracker;
  /** Per rank: mean of (y − y in evaluation mode)² over its last training microbatch; null where it is empty. */
  trainEvalMse: readonly (number | null)[];
  ranks: readonly RankBuffers[];
  /** Per channel, of everything that was held out. */
  heldOut: readonly Moments[];
}

/** A log for a normaliser that will be evaluated: it tracks statistics, and the scenario has an evaluation. */
export function newEvaluationLog(
  spec: NormalizerSpec,
  { scenario, channels }: Workload,
): EvaluationLog | null {
  const kind = createNormalizer(spec).runningVariance;
  if (scenario.evaluation === undefined || !("buffers" in spec) || kind === null) return null;
  return {
    whole: new StatisticsTracker(channels, spec, kind),
    trainEvalMse: [],
    ranks: [],
    heldOut: new Array<Moments>(channels).fill(emptyMoments),
  };
}

/** Note what a training pass leaves behind. */
export function logTrainingPass(
  log: EvaluationLog,
  ranks: readonly RankViews[],
  whole: WholeViews,
  { isLastOfStep }: Microstep,
): void {
  log.whole.observe(whole.count[0]!, whole);
  if (isLastOfStep) log.whole.endStep();
  log.trainEvalMse = ranks.map(({ comparedEvaluation, localCount, extent }) => {
    const differences = comparedEvaluation.subarray(0, extent.channels);
    const values = localCount[0]! * extent.channels;
    return values === 0 ? null : differences.reduce((sum, square) => sum + square, 0) / values;
  });
}

/** Note the running statistics of a normaliser, after any exchange. */
export function logBuffers(log: EvaluationLog, normalizer: number, ranks: readonly RankViews[]): void {
  log.ranks = ranks.map(({ firstChannel, runningMean, runningVariance }) => ({
    firstChannel,
    mean: runningMean[normalizer]!.slice(),
    variance: runningVariance[normalizer]!.slice(),
  }));
}

/** Add a held-out whole batch. */
export function logHeldOut(log: EvaluationLog, { count, mean, m2 }: WholeViews): void {
  log.heldOut = log.heldOut.map((earlier, c) =>
    mergeMoments(earlier, { count: count[0]!, mean: mean[c]!, m2: m2[c]! }),
  );
}
