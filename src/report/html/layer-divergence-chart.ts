import { enumerate, plural } from "../format.ts";
import type { NormalizerReport, Report } from "../report.ts";
import type { TrainingReport } from "../training-report.ts";
import type { Chart } from "./chart.ts";
import { number } from "./figures.ts";
import { drawPlot } from "./plot.ts";
import { seriesMaximum } from "./shapes.ts";

/** Below this a mean is the whole batch's: what float32 rounding explains, in deviations. */
const rounding = 1e-5;
/** Normalisers that have a chart. */
const chartsMaximum = 4;

type Layer = TrainingReport["layers"][number];

/** How far the statistics of each layer are from the whole batch's, step by step: one chart for each normaliser that is apart. */
export function layerDivergenceCharts({ normalizers }: Report): Chart[] {
  const isApart = ({ training }: NormalizerReport): boolean =>
    training!.layers.some(({ meanGap }) => meanGap.some((gap) => gap === null || gap > rounding));
  const apart = normalizers.filter(isApart);
  const agreeing = normalizers.filter((it) => !apart.includes(it)).map(({ name }) => name);
  const left = apart.slice(chartsMaximum).map(({ name }) => name);
  const more =
    (agreeing.length === 0
      ? ""
      : ` No chart, because no layer differs beyond rounding: ${enumerate(agreeing)}.`) +
    (left.length === 0 ? "" : ` No chart either: ${enumerate(left)}.`);
  return apart.slice(0, chartsMaximum).map(({ name, training }) => layerChart(name, training!, more));
}

function layerChart(name: string, { steps, curve, layers }: TrainingReport, more: string): Chart {
  const drawn = spread(layers, seriesMaximum);
  return {
    title: findingOf(name, layers, steps),
    description: `Gap of the means at ${plural(curve.length, "point")} of ${plural(steps, "step")} for ${drawn.map((layer) => layer.name).join(", ")}.`,
    caption:
      `Mean over groups and features of |m − M|/√V, where ${name} used m and the whole batch has mean M and variance V at that layer.` +
      (drawn.length === layers.length
        ? ""
        : ` ${drawn.length} of ${plural(layers.length, "layer")}; the table has all.`) +
      more,
    drawing: drawPlot(
      drawn.map((layer) => layer.name),
      240,
      {
        x: { label: "training step", format: (step) => number(step), kind: "linear", ticks: 6 },
        y: { label: "gap of means, deviations", format: (gap) => number(gap, 3), kind: "linear", ticks: 5 },
        series: drawn.map(({ meanGap }, index) => ({
          index,
          points: meanGap.map((gap, point) => ({ x: curve[point]!.step, y: gap ?? Number.NaN })),
          isJoined: true,
        })),
        levels: [],
      },
    ),
    table: {
      columns: ["layer", "step", "gap of means, deviations", "ln of variance ratio"],
      rows: layers.flatMap((layer) =>
        curve.map(({ step }, point) => [
          layer.name,
          `${step}`,
          number(layer.meanGap[point]!),
          number(layer.logVarianceRatio[point]!),
        ]),
      ),
    },
  };
}

/** At most `count` layers, the first and the last among them. */
function spread(layers: readonly Layer[], count: number): Layer[] {
  if (layers.length <= count) return [...layers];
  return Array.from(
    { length: count },
    (_, i) => layers[Math.round((i * (layers.length - 1)) / (count - 1))]!,
  );
}

function findingOf(name: string, layers: readonly Layer[], steps: number): string {
  const ranked = layers
    .flatMap((layer) => {
      const gap = layer.meanGap.at(-1) ?? null;
      return gap === null ? [] : [{ layer: layer.name, gap }];
    })
    .toSorted((a, b) => b.gap - a.gap);
  const [most, least] = [ranked[0], ranked.at(-1)];
  if (most === undefined || least === undefined)
    return `${name}'s means are not finite after ${plural(steps, "step")}.`;
  const others = most === least ? "" : `, ${number(least.gap, 2)} at ${least.layer}`;
  return `${name}'s means are ${number(most.gap, 2)} deviations off the whole batch's at ${most.layer} after ${plural(steps, "step")}${others}.`;
}
