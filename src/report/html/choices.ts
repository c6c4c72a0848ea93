import { enumerate } from "../format.ts";
import type { NormalizerReport, Report } from "../report.ts";
import type { Choice, ParetoAxes } from "./pareto-chart.ts";

/** What a normaliser is judged by. */
export interface ErrorMeasure {
  readonly name: string;
  /** What it is a share of. */
  readonly meaning: string;
  /** NaN where it is not finite. */
  readonly of: (normalizer: NormalizerReport) => number;
}

const outputError: ErrorMeasure = {
  name: "error of y",
  meaning: "root mean square of y − y of the whole batch, in percent of x̂'s",
  of: ({ divergence: { outputMse } }) => (outputMse.mean === null ? Number.NaN : Math.sqrt(outputMse.mean)),
};

const testError: ErrorMeasure = {
  name: "test error",
  meaning: "share of the test set that was classified wrong after the last step",
  of: ({ training }) => training!.final.testError ?? Number.NaN,
};

/** The distance from the whole batch; where a network was trained, what it has learnt. */
export function errorMeasureOf({ scenario }: Report): ErrorMeasure {
  return scenario.training === null ? outputError : testError;
}

/** Normalisers that can be compared, by the wire time and the error of a training step. */
export function choicesOf(report: Report, suffix = ""): Choice[] {
  const { training, trainingSteps } = report.scenario;
  const measure = errorMeasureOf(report);
  return comparable(report).map((normalizer) => ({
    name: `${normalizer.name}${suffix}`,
    kind: normalizer.name,
    seconds: normalizer.communication.total.modelSeconds / (training?.steps ?? trainingSteps),
    error: measure.of(normalizer),
  }));
}

/**
 * All, where a network was trained. Else those that pool over ranks, which choose what to pay, or all where none does; others
 * have their own statistics to be far from: none.
 */
function comparable({ normalizers, scenario }: Report): readonly NormalizerReport[] {
  const pooling = normalizers.filter(({ group }) => group !== null);
  return pooling.length === 0 || scenario.training !== null ? normalizers : pooling;
}

/** What the directions of cost and error are in a run. */
export function paretoTexts(report: Report, cluster: string): ParetoAxes {
  const { name, meaning } = errorMeasureOf(report);
  const left = report.normalizers.filter((it) => !comparable(report).includes(it)).map((it) => it.name);
  const silent =
    left.length === 0
      ? ""
      : ` ${enumerate(left)} ${left.length === 1 ? "pools" : "pool"} over no group: not compared.`;
  const layers = report.scenario.training === null ? "one layer" : "all normalising layers";
  return {
    cost: `wire time of a step on ${cluster}`,
    error: name,
    more: `Cost: collectives of ${layers} in a step by the α-β clock. Error: ${meaning}.${silent}`,
  };
}
