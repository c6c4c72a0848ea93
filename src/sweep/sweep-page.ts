import { enumerate, formatPercent, plural } from "../report/format.ts";
import type { Chart } from "../report/html/chart.ts";
import { choicesOf, errorMeasureOf, paretoTexts } from "../report/html/choices.ts";
import { number, percent } from "../report/html/figures.ts";
import { paretoChart } from "../report/html/pareto-chart.ts";
import { drawPlot, type Point as PlotPoint } from "../report/html/plot.ts";
import {
  chartSection,
  type Digest,
  type Origin,
  overviewTable,
  paragraph,
  scenarioSection,
  section,
  writePage,
} from "../report/html/report-page.ts";
import { seriesMaximum } from "../report/html/shapes.ts";
import { describePoint, formatValue } from "./points.ts";
import { type PointReport, sweepOverview } from "./table.ts";

/** What a page about a sweep is made of. */
export interface SweepPage {
  /** In the order of the grid; at least one. */
  readonly points: readonly PointReport[];
  /** The scenario as it was written. */
  readonly written: string;
  readonly origin: Origin;
}

/** Points whose rows the page shows. */
const rowsMaximum = 200;

/** A sweep as one HTML file. */
export function sweepPage({ points, written, origin }: SweepPage, digest: Digest): string {
  const [first] = points as [PointReport];
  const paths = Object.keys(first.values);
  const shown = points.slice(0, rowsMaximum);
  const left = points.length - shown.length;
  const curves = paths.filter((path) => path !== "seed").flatMap((path) => curveChart(points, path) ?? []);
  return writePage(
    {
      title: `${first.report.scenario.name}: a sweep of ${enumerate(paths)}`,
      about: `${plural(points.length, "point")}: ${paths.map((path) => `${path} = ${valuesOf(points, path).map(formatValue).join(", ")}`).join("; ")}`,
      origin,
      content: [
        chartSection(`Cost and ${errorMeasureOf(first.report).name}`, "sweep", [paretoOf(points), ...curves]),
        section(
          "Every point",
          overviewTable(sweepOverview(shown, "values")),
          left === 0 ? null : paragraph(`${left} more points: --csv and --ndjson have them.`, "about"),
        ),
        scenarioSection(written),
      ],
    },
    digest,
  );
}

function valuesOf(points: readonly PointReport[], path: string): unknown[] {
  const distinct = new Map(points.map(({ values }) => [formatValue(values[path]), values[path]]));
  return [...distinct.values()];
}

function paretoOf(points: readonly PointReport[]): Chart {
  const choices = points.flatMap(({ values, report }) => choicesOf(report, ` at ${describePoint(values)}`));
  const clusters = new Set(points.map(({ report }) => report.scenario.cluster.name));
  return paretoChart(
    choices,
    paretoTexts(points[0]!.report, clusters.size === 1 ? [...clusters].join() : "the point's cluster"),
  );
}

/** The error along an axis of numbers: for each value the mean and range over the other axes; undefined along others. */
function curveChart(points: readonly PointReport[], path: string): Chart | undefined {
  const values = valuesOf(points, path).filter((value) => typeof value === "number");
  if (values.length < 2 || values.length < valuesOf(points, path).length) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const names = points[0]!.report.normalizers.map(({ name }) => name).slice(0, seriesMaximum);
  const series = names.map((name) => sorted.map((value) => pointOf(points, path, value, name)));
  const measure = errorMeasureOf(points[0]!.report);
  const isWhole = sorted.every(Number.isInteger);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  return {
    title: findingOf(path, names, series, measure.name),
    description: `The ${measure.name} of ${enumerate(names)} at ${path} ${sorted.map((value) => number(value)).join(", ")}.`,
    caption: `Along ${path}: ${measure.name}, ${measure.meaning}. Each mark is the mean over the points with that value, with their range.`,
    drawing: drawPlot(names, 270, {
      x: {
        label: path,
        format: (value) => (isWhole && !Number.isInteger(value) ? "" : number(value)),
        kind: least > 0 && most >= 4 * least ? "log2" : "linear",
        startsAtZero: false,
        ticks: 6,
      },
      y: { label: measure.name, format: formatPercent, kind: "linear", ticks: 5 },
      series: series.map((own, index) => ({ index, points: own, isJoined: true })),
      levels: [],
    }),
    table: {
      columns: [path, ...names],
      rows: sorted.map((value, at) => [number(value), ...series.map((own) => percent(own[at]!.y))]),
    },
  };
}

/** A normaliser at every point with a value, as one. */
function pointOf(points: readonly PointReport[], path: string, value: number, name: string): PlotPoint {
  const errors = points
    .filter(({ values }) => values[path] === value)
    .flatMap(({ report }) =>
      report.normalizers
        .filter((normalizer) => normalizer.name === name)
        .map((normalizer) => errorMeasureOf(report).of(normalizer)),
    );
  const y = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return { x: value, y, low: Math.min(...errors), high: Math.max(...errors) };
}

function findingOf(
  path: string,
  names: readonly string[],
  series: readonly (readonly PlotPoint[])[],
  what: string,
): string {
  const changes = series.map((points, index) => {
    const [from, to] = [points[0]!, points.at(-1)!];
    return { name: names[index]!, from, to, by: Math.abs(to.y - from.y) };
  });
  const [most] = changes.toSorted((a, b) => b.by - a.by) as [(typeof changes)[number]];
  if (most.by < 1e-4) return `${path} changes no normaliser's ${what}.`;
  const { name, from, to } = most;
  return `From ${path} ${number(from.x)} to ${number(to.x)}, the ${what} of ${name} goes from ${formatPercent(from.y)} to ${formatPercent(to.y)}.`;
}
