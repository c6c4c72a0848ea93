import { formatBytes, formatPercent, plural } from "./format.ts";
import type { NormalizerReport, Report } from "./report.ts";
import type { CurvePoint } from "./training-report.ts";

/** Heights of a bar, from nothing to the most. */
const bars = "▁▂▃▄▅▆▇█";

/** What was learnt, as the columns of the overview table that stand for the divergence of a single pass. */
export const trainingColumns: readonly {
  readonly title: string;
  readonly isNumeric: boolean;
  readonly dispensability: number;
  readonly cell: (normalizer: NormalizerReport) => string;
}[] = [
  {
    title: "gradients",
    isNumeric: true,
    dispensability: 5,
    cell: ({ training }) => formatBytes(training!.gradients.sentBytesPerRank / training!.steps),
  },
  { title: "train error", isNumeric: true, dispensability: 0, cell: errorCell("trainError") },
  { title: "test error", isNumeric: true, dispensability: 0, cell: errorCell("testError") },
  {
    title: "by batch",
    isNumeric: true,
    dispensability: 3,
    cell: ({ training }) =>
      training!.final.testErrorBatchStatistics === null
        ? "same"
        : errorCell("testErrorBatchStatistics")({ training }),
  },
  {
    title: "train loss",
    isNumeric: false,
    dispensability: 2,
    cell: ({ training }) => sparkline(training!.curve.map(({ trainLoss }) => trainLoss)),
  },
];

function errorCell(key: keyof CurvePoint) {
  return ({ training }: Pick<NormalizerReport, "training">): string => {
    const share = training!.final[key];
    return share === null ? "not finite" : formatPercent(share);
  };
}

/** A curve as bars, 0 at their foot and its largest value at full height; `!` is not finite. */
export function sparkline(values: readonly (number | null)[]): string {
  const largest = Math.max(...values.map((value) => value ?? 0));
  const bar = (value: number): string =>
    bars[largest === 0 ? 0 : Math.min(bars.length - 1, Math.floor((value / largest) * bars.length))]!;
  return values.map((value) => (value === null ? "!" : bar(value))).join("");
}

/** What the columns of training mean. */
export function trainingLegend({ scenario }: Report): readonly string[] {
  const { steps, evaluateEvery } = scenario.training!;
  const last = steps % evaluateEvery || evaluateEvery;
  const lastSteps = last === 1 ? "step's microbatch" : `${plural(last, "step")}' microbatches`;
  return [
    `sent per rank, gradients: of the normaliser's layers and of the all-reduce of the gradients, per step of ${steps}.`,
    `train error: share of the last ${lastSteps}, normalised as in training.`,
    "test error: every rank evaluates a part of the test set with the running statistics that it remembers; by batch: with those of each test batch.",
    `train loss: ${evaluateEvery === 1 ? "of every step" : `mean over every ${plural(evaluateEvery, "step")}`}, from 0 to its maximum.`,
  ];
}

/** One sentence: who learnt best, and who least. */
export function trainingFinding({ normalizers }: Report): string {
  const error = ({ training }: NormalizerReport): number =>
    training!.final.testError ?? Number.POSITIVE_INFINITY;
  const ranked = [...normalizers].sort((a, b) => error(a) - error(b));
  const [best, worst] = [ranked[0]!, ranked.at(-1)!];
  const shown = (normalizer: NormalizerReport): string =>
    `${errorCell("testError")(normalizer)} test error after ${plural(normalizer.training!.steps, "step")}`;
  if (best === worst) return `${best.name} has ${shown(best)}.`;
  return `${best.name} learns best, ${shown(best)}; ${worst.name} least, ${errorCell("testError")(worst)}.`;
}
