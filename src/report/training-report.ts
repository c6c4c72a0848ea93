import { type Communication, communicationOf } from "../cost/communication.ts";
import type { NormalizerRecord, Simulation, TrainingPoint } from "../engine/simulation.ts";
import { finiteOrNull } from "../statistics/summary.ts";

/** The state of the network after `step` steps; what is not finite is null. */
export interface CurvePoint {
  readonly step: number;
  /** Mean over the microbatches since the last point, in nats. */
  readonly trainLoss: number | null;
  /** Share of these classified wrong, with the statistics that training used. */
  readonly trainError: number | null;
  /** Share of the test set classified wrong, every rank with the running statistics that it remembers. */
  readonly testError: number | null;
  /** The same with the statistics of each batch of the test set; null where nothing is remembered, and both are one. */
  readonly testErrorBatchStatistics: number | null;
}

/** What training with one normaliser showed. Lists have one entry per point of `curve`. */
export interface TrainingReport {
  readonly steps: number;
  /** The last point of the curve. */
  readonly final: CurvePoint;
  /** The all-reduces of the parameters' gradients, over all steps; `communication` holds the normaliser's alone. */
  readonly gradients: Communication;
  readonly curve: readonly CurvePoint[];
  /** Statistics that ranks used against the whole batch's, at every layer: means over ranks' groups and features. */
  readonly layers: readonly {
    readonly name: string;
    readonly meanGap: readonly (number | null)[];
    readonly logVarianceRatio: readonly (number | null)[];
  }[];
  /** 2-norms of the gradients of the mean loss, by parameter. */
  readonly gradientNorms: readonly {
    readonly parameter: string;
    readonly norm: readonly (number | null)[];
  }[];
}

/** The training part of a normaliser's report; null where nothing was trained. */
export function trainingReport(
  { training }: NormalizerRecord,
  simulation: Simulation,
): TrainingReport | null {
  if (training === null) return null;
  const { points, layers, parameters, gradientCollectives } = training;
  const { steps } = simulation.workload.scenario.training!;
  const curve = points.map(curvePoint);
  return {
    steps,
    final: curve.at(-1)!,
    gradients: repeated(communicationOf(gradientCollectives, simulation).total, steps),
    curve,
    layers: layers.map((name, index) => ({
      name,
      meanGap: points.map((point) => finiteOrNull(point.layers[index]!.meanGap)),
      logVarianceRatio: points.map((point) => finiteOrNull(point.layers[index]!.logVarianceRatio)),
    })),
    gradientNorms: parameters.map((parameter, index) => ({
      parameter,
      norm: points.map((point) => finiteOrNull(point.gradientNorms[index]!)),
    })),
  };
}

function curvePoint(point: TrainingPoint): CurvePoint {
  const { step, trainLoss, trainError, testError, testErrorBatchStatistics } = point;
  return { step, trainLoss: finiteOrNull(trainLoss), trainError, testError, testErrorBatchStatistics };
}

/** What a step sent, as often as there were steps. */
export function repeated(step: Communication, steps: number): Communication {
  return Object.fromEntries(
    Object.entries(step).map(([name, value]: [string, number]) => [name, value * steps]),
  ) as unknown as Communication;
}
