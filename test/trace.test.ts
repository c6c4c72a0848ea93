import { expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { clusterNetwork } from "../src/cost/network/cluster-network.ts";
import { simulateSchedule } from "../src/cost/network/simulation.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { type ChromeTrace, type ChromeTraceEvent, chromeTrace } from "../src/cost/trace/chrome-trace.ts";
import { type TracedCollective, traceOfCollectives } from "../src/cost/trace/schedule-trace.ts";
import type { TimelineEvent } from "../src/cost/trace/timeline.ts";
import { everyCollective, request } from "./support/every-collective.ts";

const cluster = clusterPresets["dgx-a100"]!;
const identity = (ranks: number): number[] => Array.from({ length: ranks }, (_, rank) => rank);

/** Whole nanoseconds of a time in microseconds; it has three decimals, so that nothing is lost. */
const nanoseconds = (microseconds: number): number => Math.round(microseconds * 1e3);

interface Slice {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Slices by thread, as a viewer sees them. */
function slicesOf({ traceEvents }: ChromeTrace): Map<number, Slice[]> {
  const threads = new Map<number, Slice[]>();
  for (const { ph, name, tid, ts, dur } of traceEvents) {
    if (ph !== "X") continue;
    const slice = { name, start: nanoseconds(ts!), end: nanoseconds(ts!) + nanoseconds(dur!) };
    threads.set(tid!, [...(threads.get(tid!) ?? []), slice]);
  }
  return threads;
}

/** Throws if two slices of a thread overlap without one being inside the other. */
function expectNested(trace: ChromeTrace): void {
  for (const [tid, slices] of slicesOf(trace)) {
    const open: Slice[] = [];
    for (const slice of slices.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
      while (open.length > 0 && open.at(-1)!.end <= slice.start) open.pop();
      const outer = open.at(-1);
      if (outer !== undefined && slice.end > outer.end) {
        throw new Error(`thread ${tid}: ${slice.name} ends after ${outer.name}, in which it starts`);
      }
      open.push(slice);
    }
  }
}

/** Throws if an arrow has not two ends, goes back in time or has an end that no slice is around. */
function expectBound(trace: ChromeTrace): void {
  const threads = slicesOf(trace);
  const ends = new Map<number, ChromeTraceEvent[]>();
  for (const event of trace.traceEvents) {
    if (event.ph === "s" || event.ph === "f") ends.set(event.id!, [...(ends.get(event.id!) ?? []), event]);
  }
  for (const [id, pair] of ends) {
    expect(pair.map(({ ph }) => ph)).toEqual(["s", "f"]);
    expect(pair[1]!.bp).toBe("e");
    expect(pair[0]!.ts!).toBeLessThanOrEqual(pair[1]!.ts!);
    for (const { tid, ts } of pair) {
      const moment = nanoseconds(ts!);
      const isAround = threads.get(tid!)?.some(({ start, end }) => start <= moment && moment < end);
      if (isAround !== true) throw new Error(`arrow ${id} ends in no slice of thread ${tid} at ${ts} µs`);
    }
  }
}

const at = (rank: number, track: TimelineEvent["track"], name: string, start: number, end: number) => ({
  rank,
  track,
  name,
  startSeconds: start,
  durationSeconds: end - start,
});

// Oracle: by hand.
test("a timeline becomes a process per rank, a thread per track, slices and arrows in microseconds", () => {
  const flow = { rank: 1, track: "communication", departureSeconds: 2e-6, arrivalSeconds: 4e-6 } as const;
  const trace = chromeTrace([
    { ...at(0, "communication", "send", 1e-6, 3.5e-6), flowsTo: [flow], details: { payloadBytes: 8 } },
    at(1, "communication", "receive", 1e-6, 4e-6),
  ]);
  expect(trace.displayTimeUnit).toBe("ns");
  const names = trace.traceEvents.filter(({ name }) => name === "process_name" || name === "thread_name");
  expect(names.map(({ pid, tid, args }) => [pid, tid, args!.name])).toEqual([
    [1, undefined, "rank 0"],
    [1, 1, "host"],
    [1, 2, "compute"],
    [1, 3, "communication"],
    [2, undefined, "rank 1"],
    [2, 4, "host"],
    [2, 5, "compute"],
    [2, 6, "communication"],
  ]);
  expect(trace.traceEvents.filter(({ ph }) => ph !== "M")).toEqual([
    {
      ph: "X",
      name: "send",
      cat: "communication",
      pid: 1,
      tid: 3,
      ts: 1,
      dur: 2.5,
      args: { payloadBytes: 8 },
    },
    { ph: "X", name: "receive", cat: "communication", pid: 2, tid: 6, ts: 1, dur: 3 },
    { ph: "s", name: "send", cat: "flow", id: 0, pid: 1, tid: 3, ts: 2 },
    // A nanosecond before its slice is over: at 4 it would bind to nothing.
    { ph: "f", bp: "e", name: "send", cat: "flow", id: 0, pid: 2, tid: 6, ts: 3.999 },
  ]);
});

test("slices that follow one another or lie inside one another do so after rounding to nanoseconds", () => {
  for (let offset = 0; offset < 200; offset++) {
    const first = offset * 0.0137e-9;
    const [middle, last] = [first + 10.5e-9, first + 21e-9];
    const trace = chromeTrace([
      at(0, "host", "step", first, last),
      at(0, "host", "a", first, middle),
      at(0, "host", "b", middle * (1 - 1e-15), last),
      at(0, "host", "inside b", middle * (1 - 1e-15), middle + 1.4e-9),
    ]);
    expectNested(trace);
  }
});

test("events of a track that overlap in part are refused", () => {
  const events = [at(3, "compute", "a", 0, 2e-6), at(3, "compute", "b", 1e-6, 3e-6)];
  expect(() => chromeTrace(events)).toThrow(/rank 3, compute: a ends at .* inside b/);
});

test("an arrow to where nothing runs is refused", () => {
  const flow = { rank: 0, track: "compute", departureSeconds: 0, arrivalSeconds: 5e-6 } as const;
  const events = [
    { ...at(0, "host", "launch", 0, 1e-6), flowsTo: [flow] },
    at(0, "compute", "k", 1e-6, 2e-6),
  ];
  expect(() => chromeTrace(events)).toThrow(/launch of rank 0 flows to the compute track of rank 0/);
});

// Oracle: by hand. Step 1 ends when the message arrives, and step 2 begins then: the arrow belongs to step 1.
test("an arrow that arrives between two slices ends in the first", () => {
  const flow = { rank: 0, track: "compute", departureSeconds: 0, arrivalSeconds: 2e-6 } as const;
  const trace = chromeTrace([
    { ...at(0, "host", "launch", 0, 1e-6), flowsTo: [flow] },
    at(0, "compute", "step 1", 1e-6, 2e-6),
    at(0, "compute", "step 2", 2e-6, 3e-6),
  ]);
  expect(trace.traceEvents.find(({ ph }) => ph === "f")!.ts).toBe(1.999);
});

function collective(
  operation: (typeof everyCollective)[number][0],
  algorithm: string,
  ranks: readonly number[],
): TracedCollective {
  const schedule = buildSchedule(operation, algorithm as never, request(ranks.length, 1000));
  return { name: `${operation} ${algorithm}`, schedule, elementBytes: 4, ranks };
}

test("every collective makes a trace whose slices nest and whose arrows bind", () => {
  for (const [operation, algorithm] of everyCollective) {
    const trace = traceOfCollectives([collective(operation, algorithm, identity(12))], cluster);
    expectNested(trace);
    expectBound(trace);
    const arrows = trace.traceEvents.filter(({ ph }) => ph === "s");
    expect(arrows.length).toBe(collective(operation, algorithm, identity(12)).schedule.source.length);
  }
});

// Oracle: the simulation itself; a rank's second collective starts when its first is over.
test("a trace has the times of the simulation, one collective after another on each rank", () => {
  const first = collective("all-reduce", "ring", identity(16));
  const second = collective("all-gather", "bruck", [8, 9, 10]);
  const trace = traceOfCollectives([first, second], cluster);
  const run = ({ schedule, elementBytes, ranks }: TracedCollective, startSeconds: ArrayLike<number>) =>
    simulateSchedule(schedule, clusterNetwork(cluster, ranks), { elementBytes, startSeconds }).finishSeconds;
  const firstFinish = run(first, new Float64Array(16));
  const secondFinish = run(second, firstFinish.slice(8, 11));
  const slice = (rank: number, name: string) =>
    trace.traceEvents.find(({ ph, pid, name: own }) => ph === "X" && pid === rank + 1 && own === name)!;
  expect(nanoseconds(slice(9, first.name).dur!)).toBe(Math.round(firstFinish[9]! * 1e9));
  expect(nanoseconds(slice(9, second.name).ts!)).toBe(Math.round(firstFinish[9]! * 1e9));
  const end = nanoseconds(slice(9, second.name).ts!) + nanoseconds(slice(9, second.name).dur!);
  expect(end).toBe(Math.round(secondFinish[1]! * 1e9));
  const steps = trace.traceEvents.filter(
    ({ ph, tid, name }) => ph === "X" && tid === 30 && /of 30/.test(name),
  );
  let moment = 0;
  for (const [index, { name, ts, dur }] of steps.entries()) {
    expect(name).toBe(`step ${index + 1} of 30`);
    expect(nanoseconds(ts!)).toBe(moment);
    moment += nanoseconds(dur!);
  }
  expect(moment).toBe(Math.round(firstFinish[9]! * 1e9));
  expectNested(trace);
  expectBound(trace);
});

// Oracle: by hand: 2 · 222 · 223 messages fit into 100,000, another 2 · 63 · 64 do not.
test("a trace leaves out the steps of what would make it too large, and says so", () => {
  const first = { ...collective("all-reduce", "ring", identity(223)), name: "first" };
  const second = { ...collective("all-reduce", "ring", identity(64)), name: "second" };
  const { traceEvents, otherData } = traceOfCollectives([first, second], cluster);
  expect(traceEvents.filter(({ ph }) => ph === "s").length).toBe(99_012);
  expect(traceEvents.filter(({ ph, name }) => ph === "X" && name === "second").length).toBe(64);
  expect(otherData.undrawn).toBe("steps of 1 of 2 collectives");
});
