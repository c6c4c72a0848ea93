import { type Communication, type CommunicationByPass, communicationOf } from "../cost/communication.ts";
import { extentOf } from "../engine/arena-plan.ts";
import { type Metric, metrics } from "../engine/divergence-log.ts";
import type { NormalizerRecord, Numerics, Simulation } from "../engine/simulation.ts";
import type { WeightGradients } from "../engine/weight-gradients.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { layoutOf } from "../scenario/mesh.ts";
import { bytesPerValue } from "../scenario/number-format.ts";
import type { NormalizerSpec, RankGroups, Scenario } from "../scenario/scenario.ts";
import {
  type ExpectedDivergence,
  expectedDivergence,
  expectedOfMeanSquares,
  noExpectation,
} from "../statistics/expected-divergence.ts";
import { type Summary, summarize } from "../statistics/summary.ts";
import { type ExactnessReport, exactnessReport } from "./exactness.ts";
import { type RunningStatisticsReport, runningStatisticsReport } from "./running-statistics.ts";
import { repeated, type TrainingReport, trainingReport } from "./training-report.ts";

/** What one rank saw of a normaliser, in the last training step. */
export interface RankReport {
  readonly rank: number;
  /** Valid values of each channel on this rank. */
  readonly values: number;
  readonly messagesSent: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of its input, which backward needs. */
  readonly activationBytes: number;
  /** Mean over its statistics of |m − M|/√V; null on an empty rank. */
  readonly meanGap: number | null;
  /** Mean squared error of its y against the whole batch's; null on an empty rank. */
  readonly outputMse: number | null;
}

/**
 * One normaliser of a scenario: what it sent and how far it is from the whole batch. Where a network was trained, of
 * all its layers, over all steps (sent) and at the points of the curve (divergence).
 */
export interface NormalizerReport {
  readonly name: string;
  readonly type: NormalizerSpec["type"];
  /** null for normalisers that pool over no ranks. */
  readonly group: RankGroups | null;
  /** How groups are synchronised; null where nothing is, or where there is one way. */
  readonly implementation: string | null;
  readonly communication: {
    readonly forward: Communication;
    readonly backward: Communication;
    readonly total: Communication;
    /** Measured here, computation included; never comparable with modelSeconds. */
    readonly wallSeconds: number;
  };
  readonly divergence: Readonly<Record<Metric, Summary>>;
  /** Of a trained network: of its normalisation layers in all training steps, `worstConditioned` at the points of the curves. */
  readonly numerics: Numerics;
  /** Of weights that all tensor ranks hold, in the last training step; null where they hold none in common or backward did not run. */
  readonly weightGradients: WeightGradients | null;
  /** Against the exact result of its own groups; null where nothing is synchronised, or a network was trained. */
  readonly exactness: ExactnessReport | null;
  readonly runningStatistics: RunningStatisticsReport | null;
  readonly perRank: readonly RankReport[];
  /** null: no network was trained. */
  readonly training: TrainingReport | null;
}

/** The report of a run, version 1. */
export interface Report {
  readonly version: 1;
  readonly scenario: Scenario;
  readonly normalizers: readonly NormalizerReport[];
}

/** Make the report of a simulation. The same simulation gives the same bytes, wallSeconds aside. */
export function reportOf(simulation: Simulation): Report {
  const { scenario, storage, payload } = simulation.workload;
  return {
    version: 1,
    scenario: { ...scenario, storage, payload },
    normalizers: simulation.normalizers.map((record) => normalizerReport(record, simulation)),
  };
}

function normalizerReport(record: NormalizerRecord, simulation: Simulation): NormalizerReport {
  const { spec, divergence, numerics, wallSeconds } = record;
  const synchronizes = record.groups.some(({ ranks }) => ranks.length > 1);
  const expected = expectationFor(record, simulation);
  return {
    name: spec.name,
    type: spec.type,
    group: "group" in spec ? spec.group : null,
    implementation: "implementation" in spec && synchronizes ? spec.implementation : null,
    communication: { ...communicationOfRun(record, simulation), wallSeconds },
    divergence: Object.fromEntries(
      metrics.map((metric) => [metric, summarize(divergence[metric], expected[metric])]),
    ) as Record<Metric, Summary>,
    numerics: { ...numerics },
    weightGradients: record.weightGradients,
    exactness: record.training !== null ? null : exactnessReport(record, simulation.workload.payload),
    runningStatistics: runningStatisticsReport(record, simulation),
    perRank: rankReports(record, simulation),
    training: trainingReport(record, simulation),
  };
}

/** How many steps were like the one whose collectives a record holds. */
function recordedSteps({ workload }: Simulation): number {
  return workload.scenario.training?.steps ?? 1;
}

function communicationOfRun(record: NormalizerRecord, simulation: Simulation): CommunicationByPass {
  const { forward, backward, total } = communicationOf(record.collectives, simulation);
  const steps = recordedSteps(simulation);
  return {
    forward: repeated(forward, steps),
    backward: repeated(backward, steps),
    total: repeated(total, steps),
  };
}

/**
 * The closed forms for this normaliser's groups. They are for y = x̂: outputMse scales with the mean
 * of weight², and a bias leaves outputCosine without a closed form. Batch renorm's y and dx depend on
 * what the running statistics saw before, and a trained γ is no constant: no closed form. Nor have implementations
 * that are not exact, and mean squares where the mean is not known.
 */
function expectationFor(record: NormalizerRecord, { workload }: Simulation): ExpectedDivergence {
  const { exactness } = record;
  const expected =
    exactness?.isOutputExact === false ? noExpectation : expectedDivergence(record.groupCounts);
  const list = (value: number | readonly number[]): readonly number[] =>
    typeof value === "number" ? [value] : value;
  const weights = list(record.spec.weight);
  const meanSquare = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length;
  const isExact = expected.outputMse === 0;
  const hasBias = list(record.spec.bias).some((bias) => bias !== 0);
  if (!isExact && createNormalizer(record.spec).recurrence !== undefined) return expectedOfMeanSquares;
  const isLearnt = record.training !== null;
  if ((record.spec.type === "batch-renorm" && !isExact) || isLearnt)
    return { ...expected, outputMse: null, outputCosine: null, gradientCosine: null };
  return {
    ...expected,
    outputMse: expected.outputMse === null ? null : expected.outputMse * meanSquare,
    outputCosine: hasBias && !isExact ? null : expected.outputCosine,
    gradientCosine:
      workload.scenario.backward && exactness?.isGradientExact !== false ? expected.gradientCosine : null,
  };
}

function rankReports(record: NormalizerRecord, simulation: Simulation): RankReport[] {
  const { workload } = simulation;
  const steps = recordedSteps(simulation);
  const sent = record.perRank.map(() => ({ messagesSent: 0, sentBytes: 0, receivedBytes: 0 }));
  for (const { group, entries } of record.collectives) {
    for (const [index, rank] of group.ranks.entries()) {
      sent[rank]!.messagesSent += steps * entries[index]!.messagesSent;
      sent[rank]!.sentBytes += steps * entries[index]!.bytesSent;
      sent[rank]!.receivedBytes += steps * entries[index]!.bytesReceived;
    }
  }
  return record.perRank.map(({ values, meanGap, outputMse }, rank) => {
    const { samples, channels, positions } = extentOf(workload, rank, layoutOf(record.spec));
    const activationBytes = samples * channels * positions * bytesPerValue(workload.storage);
    return { rank, values, ...sent[rank]!, activationBytes, meanGap, outputMse };
  });
}
