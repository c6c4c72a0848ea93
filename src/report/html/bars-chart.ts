import { type Chart, narrowWidth } from "./chart.ts";
import type { Element } from "./markup.ts";
import { linearScale } from "./scale.ts";
import { box, fillOf, label, legend, line } from "./shapes.ts";

/** A bar of parts that add up, with an interval around its end if there is one. */
export interface Bar {
  readonly name: string;
  readonly parts: readonly number[];
  readonly low?: number;
  readonly high?: number;
}

/** How bars are read. */
export interface BarTexts extends Pick<Chart, "title" | "description" | "caption" | "table"> {
  readonly axis: string;
  readonly format: (value: number) => string;
  /** One for each part; none where bars have a single part. */
  readonly parts: readonly string[];
}

const barHeight = 44;

/** Bars below one another, each named above itself so that names may be long. */
export function barsChart(bars: readonly Bar[], { axis, format, parts, ...texts }: BarTexts): Chart {
  const totals = bars.flatMap((bar) => [sum(bar.parts), bar.high ?? 0, ...bar.parts]);
  const right = narrowWidth - 26;
  const x = linearScale(totals, [4, right], 5);
  const mark = (series: number, cx: number, cy: number): Element =>
    box(cx - 6, cy - 5, 11, 10, fillOf(series));
  const key = legend(parts, 0, 0, narrowWidth, mark);
  const bottom = key.height + bars.length * barHeight;
  return {
    ...texts,
    drawing: {
      width: narrowWidth,
      height: bottom + 40,
      content: [
        ...key.content,
        ...x.ticks.flatMap((tick) => [
          line(x.place(tick), key.height, x.place(tick), bottom, "grid"),
          label(x.place(tick), bottom + 16, format(tick), tick === 0 ? "start" : "middle", "tick"),
        ]),
        ...bars.flatMap((bar, index) => barOf(bar, key.height + index * barHeight, x.place, format)),
        line(x.place(0), key.height, x.place(0), bottom, "axis"),
        label(right, bottom + 34, axis, "end", "axis-label"),
      ],
    },
  };
}

function barOf(
  { name, parts, low, high }: Bar,
  top: number,
  place: (value: number) => number,
  format: (value: number) => string,
): Element[] {
  const middle = top + 28;
  let at = 0;
  const rects = parts.map((part, index) => {
    const [from, to] = [place(Math.min(at, at + part)), place(Math.max(at, at + part))];
    at += part;
    return box(from, top + 20, to - from, 16, fillOf(index));
  });
  const whisker =
    low === undefined || high === undefined
      ? []
      : [
          line(place(low), middle, place(high), middle, "whisker"),
          ...[low, high].map((end) => line(place(end), middle - 5, place(end), middle + 5, "whisker")),
        ];
  return [
    label(place(0) + 1, top + 14, `${name}: ${parts.map(format).join(" + ")}`, "start", "halo"),
    ...rects,
    ...whisker,
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
