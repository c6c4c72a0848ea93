import { enumerate, plural } from "../format.ts";
import type { NormalizerReport, Report } from "../report.ts";
import type { CurvePoint, TrainingReport } from "../training-report.ts";
import type { Chart } from "./chart.ts";
import { number, percent } from "./figures.ts";
import { drawPlot, type Series } from "./plot.ts";
import { seriesMaximum } from "./shapes.ts";

interface Trained {
  readonly name: string;
  readonly training: TrainingReport;
}

const trainedOf = ({ normalizers }: Report): Trained[] =>
  normalizers.map(({ name, training }: NormalizerReport) => ({ name, training: training! }));

interface Curve {
  readonly key: "trainLoss" | "trainError" | "testError";
  readonly what: string;
  readonly label: string;
  readonly format: (value: number | null) => string;
  /** A value at a tick. */
  readonly tick: (value: number) => string;
  readonly caption: string;
}

const percents = {
  format: (share: number | null) => percent(share, 3),
  tick: (share: number) => number(100 * share, 3),
};
const curves: readonly Curve[] = [
  {
    key: "trainLoss",
    what: "train loss",
    label: "train loss, nats",
    format: (loss) => `${number(loss, 3)} nats`,
    tick: (loss) => number(loss, 3),
    caption: "Mean cross-entropy of the microbatches since the mark before.",
  },
  {
    key: "trainError",
    what: "train error",
    label: "train error, %",
    ...percents,
    caption:
      "Share of the microbatches since the mark before that was classified wrong, normalised as in training.",
  },
  {
    key: "testError",
    what: "test error",
    label: "test error, %",
    ...percents,
    caption:
      "Share of the test set that was classified wrong, every rank with the running statistics that it remembers.",
  },
];

/** What was learnt, step by step: loss, train error, test error. */
export function learningCharts(report: Report): Chart[] {
  const all = trainedOf(report);
  return curves.map((curve) => curveChart(all, curve));
}

function curveChart(all: readonly Trained[], { key, what, label, format, tick, caption }: Curve): Chart {
  const drawn = all.slice(0, seriesMaximum);
  const steps = all[0]!.training.steps;
  const last = ({ training }: Trained): number | null => training.final[key];
  return {
    title: findingOf(all, last, `${what} after ${plural(steps, "step")}`, format),
    description: `${what} at ${plural(all[0]!.training.curve.length, "point")} of ${plural(steps, "step")}; at the end ${all.map((it) => `${it.name} ${format(last(it))}`).join(", ")}.`,
    caption: caption + leftOut(all, drawn),
    drawing: drawPlot(
      drawn.map(({ name }) => name),
      240,
      {
        x: { label: "training step", format: (step) => number(step), kind: "linear", ticks: 6 },
        y: { label, format: tick, kind: "linear", ticks: 5 },
        series: drawn.map(({ training }, index) => ({
          index,
          points: training.curve.map((point: CurvePoint) => ({ x: point.step, y: point[key] ?? Number.NaN })),
          isJoined: true,
        })),
        levels: [],
      },
    ),
    table: {
      columns: ["normaliser", "step", label],
      rows: all.flatMap(({ name, training }) =>
        training.curve.map((point) => [
          name,
          `${point.step}`,
          number(point[key] === null ? null : key === "trainLoss" ? point[key] : 100 * point[key]),
        ]),
      ),
    },
  };
}

function findingOf(
  all: readonly Trained[],
  last: (it: Trained) => number | null,
  what: string,
  format: (value: number | null) => string,
): string {
  const ranked = all.filter((it) => last(it) !== null).toSorted((a, b) => last(a)! - last(b)!);
  const [least, most] = [ranked[0], ranked.at(-1)];
  if (least === undefined || most === undefined) return `No ${what} is finite.`;
  if (least === most) return `${least.name} has ${format(last(least))} ${what}.`;
  return `${least.name} has the smallest ${what}, ${format(last(least))}; ${most.name} the largest, ${format(last(most))}.`;
}

function leftOut(all: readonly Trained[], drawn: readonly Trained[]): string {
  const left = all.filter((it) => !drawn.includes(it)).map(({ name }) => name);
  return left.length === 0 ? "" : ` In the table only: ${enumerate(left)}.`;
}

/** A list with an entry per point of the curve: what is not finite is not drawn. */
const drawable = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);

/** How large gradients are, from the input to the output. */
export function gradientChart(report: Report): Chart {
  const all = trainedOf(report);
  const drawn = all.slice(0, seriesMaximum);
  const points = all[0]!.training.curve.length;
  // Of the matrices: a normaliser's weights and all biases are in the table.
  const isDrawn = (parameter: string): boolean => !/\.(norm\.weight|bias)$/.test(parameter);
  const layers = all[0]!.training.gradientNorms.map(({ parameter }) => parameter).filter(isDrawn);
  const normsOf = ({ training }: Trained) =>
    training.gradientNorms.filter(({ parameter }) => isDrawn(parameter));
  return {
    title: gradientFinding(all, normsOf),
    description: `2-norms of the gradients of ${layers.length} weight matrices, from ${layers[0]} to ${layers.at(-1)}, for ${enumerate(drawn.map(({ name }) => name))}.`,
    caption:
      `2-norm of the mean loss's gradient at the last of ${plural(points, "point")}, and its range over all of them. Layer 1 is ${layers[0]}, ` +
      `layer ${layers.length} is ${layers.at(-1)}; the table names all, with biases and the normaliser's weights.${leftOut(all, drawn)}`,
    drawing: drawPlot(
      drawn.map(({ name }) => name),
      240,
      {
        x: {
          label: "layer, from input to output",
          format: (layer) => (Number.isInteger(layer) ? `${layer}` : ""),
          kind: "linear",
          startsAtZero: false,
          ticks: 6,
        },
        y: { label: "gradient norm", format: (norm) => number(norm, 3), kind: "log2", ticks: 5 },
        series: drawn.map((it, index) =>
          gradientSeries(
            normsOf(it).map(({ norm }) => drawable(norm)),
            index,
          ),
        ),
        levels: [],
      },
    ),
    table: {
      columns: ["normaliser", "parameter", ...all[0]!.training.curve.map(({ step }) => `step ${step}`)],
      rows: all.flatMap(({ name, training }) =>
        training.gradientNorms.map(({ parameter, norm }) => [
          name,
          parameter,
          ...norm.map((it) => number(it)),
        ]),
      ),
    },
  };
}

/** On a logarithmic axis: what is 0 has no place. */
function gradientSeries(norms: readonly (readonly number[])[], index: number): Series {
  return {
    index,
    isJoined: true,
    points: norms.map((norm, layer) => {
      const positive = norm.filter((value) => value > 0);
      const at = { x: layer + 1, y: norm.at(-1)! > 0 ? norm.at(-1)! : Number.NaN };
      return positive.length === 0 ? at : { ...at, low: Math.min(...positive), high: Math.max(...positive) };
    }),
  };
}

/** The normaliser whose gradients differ most from layer to layer. */
function gradientFinding(
  all: readonly Trained[],
  normsOf: (it: Trained) => TrainingReport["gradientNorms"],
): string {
  const spreads = all.flatMap((it) => {
    const sorted = normsOf(it)
      .map(({ parameter, norm }) => ({ parameter, norm: norm.at(-1) ?? 0 }))
      .filter(({ norm }) => norm > 0)
      .toSorted((a, b) => a.norm - b.norm);
    const [least, most] = [sorted[0], sorted.at(-1)];
    return least === undefined || most === undefined ? [] : [{ name: it.name, least, most }];
  });
  const [widest] = spreads.toSorted((a, b) => b.most.norm / b.least.norm - a.most.norm / a.least.norm);
  if (widest === undefined) return "No gradient is finite and other than 0.";
  const { name, least, most } = widest;
  return `${name}'s gradients differ most between layers: ${number(least.norm, 2)} at ${least.parameter}, ${number(most.norm, 2)} at ${most.parameter}.`;
}
