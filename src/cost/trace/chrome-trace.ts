import { assert } from "../../assert.ts";
import type { TimelineEvent, TimelineFlow, Track } from "./timeline.ts";
import { type TrackSlices, tracksOf } from "./track-slices.ts";

/** One entry of a Chrome trace. Times are microseconds, whole nanoseconds. */
export interface ChromeTraceEvent {
  /** X: a slice; s and f: where an arrow leaves and arrives; M: a name. */
  readonly ph: "X" | "s" | "f" | "M";
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  /** "e": the arrow ends at the slice around it, not at the next one. */
  readonly bp?: "e";
  readonly args?: Readonly<Record<string, string | number>>;
}

/** A file that Perfetto (ui.perfetto.dev) and chrome://tracing open, once it is JSON text. */
export interface ChromeTrace {
  readonly displayTimeUnit: "ns";
  readonly traceEvents: readonly ChromeTraceEvent[];
  /** What a reader has to know. */
  readonly otherData: Readonly<Record<string, string>>;
}

/** Threads of a rank's process, in the order that they are shown. */
const tracks: readonly Track[] = ["host", "compute", "communication"];

/**
 * A timeline as a Chrome trace: a process per rank with a thread per track, a slice per event, an arrow
 * per flow.
 *
 * Rank r is process r + 1, because viewers keep process 0 to themselves. Times are rounded to whole
 * nanoseconds; an arrow that meets the end of a slice is drawn 1 ns before it, so that it binds.
 *
 * @throws AssertionError if events of a track overlap in part or a flow ends where its track is idle.
 * @see Trace Event Format, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export function chromeTrace(
  events: readonly TimelineEvent[],
  otherData: Readonly<Record<string, string>> = {},
): ChromeTrace {
  const slices = tracksOf(events);
  const ranks = [...new Set(events.map(({ rank }) => rank))].sort((a, b) => a - b);
  const traceEvents: ChromeTraceEvent[] = ranks.flatMap(namesOf);
  for (const track of slices.values()) {
    for (let i = 0; i < track.events.length; i++) traceEvents.push(sliceEntry(track, i));
  }
  let id = 0;
  for (const track of slices.values()) {
    track.events.forEach((event, i) => {
      for (const flow of event.flowsTo ?? []) traceEvents.push(...arrow(track, i, flow, slices, id++));
    });
  }
  return { displayTimeUnit: "ns", traceEvents, otherData };
}

function place(rank: number, track: Track): { readonly pid: number; readonly tid: number } {
  // Threads have one number over all processes: viewers that look them up by it alone find the right one.
  return { pid: rank + 1, tid: rank * tracks.length + tracks.indexOf(track) + 1 };
}

function namesOf(rank: number): ChromeTraceEvent[] {
  const pid = rank + 1;
  return [
    { ph: "M", name: "process_name", pid, args: { name: `rank ${rank}` } },
    { ph: "M", name: "process_sort_index", pid, args: { sort_index: rank } },
    ...tracks.flatMap((track, index): ChromeTraceEvent[] => [
      { ph: "M", name: "thread_name", ...place(rank, track), args: { name: track } },
      { ph: "M", name: "thread_sort_index", ...place(rank, track), args: { sort_index: index } },
    ]),
  ];
}

function sliceEntry({ events, startNanoseconds, endNanoseconds }: TrackSlices, i: number): ChromeTraceEvent {
  const { rank, track, name, details } = events[i]!;
  const start = startNanoseconds[i]!;
  return {
    ph: "X",
    name,
    cat: track,
    ...place(rank, track),
    ts: start / 1e3,
    dur: (endNanoseconds[i]! - start) / 1e3,
    ...(details && { args: details }),
  };
}

/** The two ends of a flow that leaves slice `i` of a track. */
function arrow(
  from: TrackSlices,
  i: number,
  flow: TimelineFlow,
  slices: ReadonlyMap<string, TrackSlices>,
  id: number,
): ChromeTraceEvent[] {
  const { rank, track, name } = from.events[i]!;
  const to = slices.get(`${flow.rank} ${flow.track}`);
  const arrival = to?.within(flow.arrivalSeconds);
  assert(
    arrival !== undefined,
    `${name} of rank ${rank} flows to the ${flow.track} track of rank ${flow.rank} at ${flow.arrivalSeconds} s, when it is idle`,
  );
  const shared = { name, cat: "flow", id };
  return [
    { ph: "s", ...shared, ...place(rank, track), ts: from.insideSlice(i, flow.departureSeconds) / 1e3 },
    { ph: "f", bp: "e", ...shared, ...place(flow.rank, flow.track), ts: arrival / 1e3 },
  ];
}
