import { type Drawing, narrowWidth } from "./chart.ts";
import type { Element } from "./markup.ts";
import { linearScale, logScale, type Scale } from "./scale.ts";
import { label, legend, line, marker, polyline, strokeOf } from "./shapes.ts";

/** One direction of a plot. */
export interface Axis {
  readonly label: string;
  /** A value at a tick. */
  readonly format: (value: number) => string;
  readonly kind: "linear" | "log2" | "log10";
  /** Whether a linear axis has to show 0. Default: it does. */
  readonly startsAtZero?: boolean;
  /** Ticks to have, about. */
  readonly ticks: number;
}

/** A point, or the range of the values that it stands for. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** Points of one colour and shape. */
export interface Series {
  /** Its colour and shape. */
  readonly index: number;
  readonly points: readonly Point[];
  /** Whether a line runs through them. */
  readonly isJoined: boolean;
}

/** A level across the plot that points are compared with. */
export interface Level {
  readonly y: number;
  /** The series it belongs to; null: to all. */
  readonly series: number | null;
}

/** A plot inside a drawing. */
export interface PlotSpec {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly levels: readonly Level[];
}

/** A plot under the names of its series, as wide as a phone shows whole; none: no legend. */
export function drawPlot(
  names: readonly string[],
  height: number,
  spec: Omit<PlotSpec, "left" | "top" | "width" | "height">,
): Drawing {
  const key = legend(names, 0, 0, narrowWidth);
  const plot = plotOf({ ...spec, left: 0, top: key.height, width: narrowWidth, height });
  return { width: narrowWidth, height: key.height + height, content: [...key.content, ...plot.content] };
}

/** What was drawn, and where values lie in it. */
export interface Plot {
  readonly content: Element[];
  readonly x: Scale;
  readonly y: Scale;
}

/** Room beside the plotting area for ticks and labels. */
const room = { left: 52, right: 22, top: 20, bottom: 36 } as const;

/** Draw series of points over two axes, with grid, ticks and units. Values that are not finite are left out. */
export function plotOf(spec: PlotSpec): Plot {
  const points = spec.series.flatMap((series) => series.points);
  const area = {
    left: spec.left + room.left,
    right: spec.left + spec.width - room.right,
    top: spec.top + room.top,
    bottom: spec.top + spec.height - room.bottom,
  };
  const x = scaleOf(
    spec.x,
    points.map((point) => point.x),
    [area.left, area.right],
  );
  const values = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]);
  const y = scaleOf(spec.y, [...values, ...spec.levels.map((level) => level.y)], [area.bottom, area.top]);
  const content = [
    ...axesOf(spec, area, x, y),
    ...spec.levels.map((level) =>
      line(
        area.left,
        y.place(level.y),
        area.right,
        y.place(level.y),
        level.series === null ? "level" : `level ${strokeOf(level.series)}`,
      ),
    ),
    ...spec.series.flatMap((series) => seriesOf(series, x, y)),
  ];
  return { content, x, y };
}

function scaleOf(axis: Axis, values: readonly number[], range: readonly [number, number]): Scale {
  if (axis.kind === "linear") return linearScale(values, range, axis.ticks, axis.startsAtZero ?? true);
  return logScale(values, range, axis.kind === "log2" ? 2 : 10);
}

function axesOf(
  spec: PlotSpec,
  area: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number },
  x: Scale,
  y: Scale,
): Element[] {
  return [
    ...y.ticks.flatMap((tick) => [
      line(area.left, y.place(tick), area.right, y.place(tick), "grid"),
      label(area.left - 6, y.place(tick) + 4, spec.y.format(tick), "end", "tick"),
    ]),
    ...x.ticks.flatMap((tick) => [
      line(x.place(tick), area.bottom, x.place(tick), area.bottom + 4, "axis"),
      label(x.place(tick), area.bottom + 17, spec.x.format(tick), "middle", "tick"),
    ]),
    line(area.left, area.bottom, area.right, area.bottom, "axis"),
    label(spec.left, spec.top + 12, spec.y.label, "start", "axis-label"),
    label(area.right, area.bottom + 32, spec.x.label, "end", "axis-label"),
  ];
}

function seriesOf({ index, points, isJoined }: Series, x: Scale, y: Scale): Element[] {
  const finite = points.filter((point) => Number.isFinite(point.y));
  const joined = isJoined
    ? [
        polyline(
          finite.map((point) => [x.place(point.x), y.place(point.y)]),
          `curve ${strokeOf(index)}`,
        ),
      ]
    : [];
  return [
    ...joined,
    ...finite.flatMap(({ low, high, ...point }) => {
      const at = x.place(point.x);
      const isRange = low !== undefined && high !== undefined && high > low;
      const range = isRange ? [line(at, y.place(low), at, y.place(high), `range ${strokeOf(index)}`)] : [];
      return [...range, marker(index, at, y.place(point.y))];
    }),
  ];
}
