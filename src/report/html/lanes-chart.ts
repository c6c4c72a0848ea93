import { formatSeconds } from "../format.ts";
import { type Chart, wideWidth } from "./chart.ts";
import { number } from "./figures.ts";
import type { Element } from "./markup.ts";
import { linearScale } from "./scale.ts";
import { box, fillOf, label, legend, line, shortened, textWidth } from "./shapes.ts";

/** Something that takes a lane for a while. */
export interface LaneSlice {
  readonly kind: string;
  readonly name: string;
  readonly startSeconds: number;
  readonly durationSeconds: number;
}

/** Slices that follow one another. */
export interface Lane {
  readonly name: string;
  readonly slices: readonly LaneSlice[];
}

/** What is said about a timeline. */
export type LaneTexts = Pick<Chart, "title" | "description" | "caption">;

const laneHeight = 34;
/** Slices that are closer than that part of the whole are drawn as one. */
const resolution = 1 / 1200;
const gutter = 130;

/** Lanes of slices over one clock. Neighbours of a kind that no eye could tell apart are drawn as one slice. */
export function lanesChart(lanes: readonly Lane[], texts: LaneTexts): Chart {
  const total = Math.max(
    ...lanes.flatMap(({ slices }) => slices.map((slice) => slice.startSeconds + slice.durationSeconds)),
  );
  const joined = lanes.map(({ name, slices }) => ({
    name,
    slices: joinNeighbours(slices, total * resolution),
  }));
  const kinds = [...new Set(lanes.flatMap(({ slices }) => slices.map(({ kind }) => kind)))];
  const mark = (series: number, x: number, y: number): Element => box(x - 6, y - 5, 11, 10, fillOf(series));
  const key = legend(kinds, 0, 0, wideWidth, mark);
  const x = linearScale([0, total], [gutter, wideWidth - 28], 8);
  const bottom = key.height + lanes.length * laneHeight;
  const count = lanes.reduce((sum, { slices }) => sum + slices.length, 0);
  const drawnCount = joined.reduce((sum, { slices }) => sum + slices.length, 0);
  return {
    ...texts,
    caption:
      texts.caption +
      (count === drawnCount
        ? ""
        : ` ${count} slices, drawn as ${drawnCount}: neighbours of a kind are joined.`),
    drawing: {
      width: wideWidth,
      height: bottom + 40,
      content: [
        ...key.content,
        ...x.ticks.flatMap((tick) => [
          line(x.place(tick), key.height, x.place(tick), bottom, "grid"),
          label(x.place(tick), bottom + 16, formatSeconds(tick), "middle", "tick"),
        ]),
        ...joined.flatMap(({ name, slices }, lane) => [
          label(gutter - 8, key.height + lane * laneHeight + 21, shortened(name, 19), "end"),
          ...slices.flatMap((slice) => sliceOf(slice, kinds, x.place, key.height + lane * laneHeight + 4)),
        ]),
        line(gutter, bottom, wideWidth - 28, bottom, "axis"),
        label(wideWidth - 28, bottom + 34, "model time from the start of the step", "end", "axis-label"),
      ],
    },
    table: {
      columns: ["lane", "what", "slices", "busy", "share of the time"],
      rows: lanes.flatMap(({ name, slices }) =>
        kinds.flatMap((kind) => {
          const own = slices.filter((slice) => slice.kind === kind);
          const seconds = own.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
          if (own.length === 0) return [];
          return [
            [name, kind, `${own.length}`, formatSeconds(seconds), `${number((100 * seconds) / total, 3)} %`],
          ];
        }),
      ),
    },
  };
}

function sliceOf(
  { kind, name, startSeconds, durationSeconds }: LaneSlice,
  kinds: readonly string[],
  place: (seconds: number) => number,
  top: number,
): Element[] {
  const left = place(startSeconds);
  const width = place(startSeconds + durationSeconds) - left;
  const bar = box(left, top, Math.max(width, 0.5), laneHeight - 8, fillOf(kinds.indexOf(kind)));
  return textWidth(name) + 8 < width ? [bar, label(left + 4, top + 17, name, "start", "on-fill")] : [bar];
}

function joinNeighbours(slices: readonly LaneSlice[], gapSeconds: number): LaneSlice[] {
  const joined: LaneSlice[] = [];
  for (const slice of slices) {
    const last = joined.at(-1);
    const end = last === undefined ? 0 : last.startSeconds + last.durationSeconds;
    const isNear = slice.startSeconds - end < gapSeconds;
    const isSmall = slice.durationSeconds < gapSeconds || (last?.durationSeconds ?? 0) < gapSeconds;
    if (last === undefined || last.kind !== slice.kind || !isNear || !isSmall) joined.push(slice);
    else
      joined[joined.length - 1] = {
        kind: slice.kind,
        name: "",
        startSeconds: last.startSeconds,
        durationSeconds: Math.max(end, slice.startSeconds + slice.durationSeconds) - last.startSeconds,
      };
  }
  return joined;
}
