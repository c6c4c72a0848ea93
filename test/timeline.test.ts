import { expect, test } from "vitest";
import { frameworkProfile } from "../src/cost/frameworks/profiles.ts";
import { gradientBuckets } from "../src/cost/timeline/gradient-buckets.ts";
import type { TimedLayer } from "../src/cost/timeline/layer-kernels.ts";
import { expectedMaximum } from "../src/cost/timeline/skew.ts";
import { type StepSetting, stepTime } from "../src/cost/timeline/step.ts";
import { type CollectiveCall, type Slice, Streams } from "../src/cost/timeline/streams.ts";

/** Half a unit in the fifth decimal, to which the tables are printed. */
const tableError = 5e-6;

test("the slowest of n ranks is as late as the largest of n normals is expected to be", () => {
  // Oracle: closed forms 1/√π and 3/(2√π); H. L. Harter, Biometrika 48 (1961), Table 1, for the others.
  const table = [
    [1, 0],
    [2, 1 / Math.sqrt(Math.PI)],
    [3, 3 / (2 * Math.sqrt(Math.PI))],
    [4, 1.02938],
    [8, 1.4236],
    [10, 1.53875],
    [20, 1.86748],
    [100, 2.50759],
  ] as const;
  for (const [count, maximum] of table)
    expect(Math.abs(expectedMaximum(count) - maximum), `${count}`).toBeLessThan(tableError);
});

test("the expected maximum of 65,536 normals is the quantile that extreme value theory gives", () => {
  // Oracle: for large n, a + γ·s with a = Φ⁻¹(1 − 1/n) = 4.16957 and s = Φ⁻¹(1 − 1/(en)) − a = 0.22252
  // (NormalDist().inv_cdf of Python 3's statistics module); γ = 0.57722. Its own error is below 0.5 % there.
  const asymptotic = 4.16957 + 0.57722 * 0.22252;
  expect(Math.abs(expectedMaximum(65_536) / asymptotic - 1)).toBeLessThan(0.005);
});

const still = { hostSeconds: 0, deviceSeconds: 0 };
const call = (seconds: number, launchSeconds = 0): CollectiveCall => ({
  ...{ owner: "layer", what: "all-reduce", seconds, launchSeconds },
});
const alone = false;
const queued = true;

test("kernels run in order, and not before the host has launched them", () => {
  // Oracle: hand. Launches end at 1, 2, 3; kernels run 1-6, 6-7, 7-8.
  const streams = new Streams(still);
  for (const seconds of [5, 1, 1]) streams.launch("a", "kernel", seconds, 1);
  expect([streams.hostSeconds, streams.computeSeconds]).toEqual([3, 8]);
});

test("a slow host leaves the device idle", () => {
  // Oracle: hand. Launches end at 4 and 8, kernels of 1 run at 4-5 and 8-9.
  const streams = new Streams(still);
  for (const seconds of [1, 1]) streams.launch("a", "kernel", seconds, 4);
  expect(streams.computeSeconds).toBe(9);
});

test("a host sync waits for the device and exposes the next launch", () => {
  // Oracle: hand. Kernel 1-6; the host is free at 6 + 0.5 and launches until 7.5; the next kernel runs 7.5-8.5.
  const streams = new Streams(still);
  streams.launch("a", "kernel", 5, 1);
  streams.drain("a", "host sync", 0.5);
  streams.launch("a", "kernel", 1, 1);
  expect(streams.computeSeconds).toBe(8.5);
});

test("a barrier waits for the gradients that left before it only if they share a communicator", () => {
  // Oracle: hand. Gradients hold the communication stream 0-10; compute is free at 1.
  const end = (queues: boolean): number => {
    const streams = new Streams(still);
    streams.startCollective(call(10), 2);
    streams.launch("a", "kernel", 1, 0);
    streams.barrier(call(2), 2, queues);
    return streams.computeSeconds;
  };
  expect(end(queued)).toBe(12);
  expect(end(alone)).toBe(3);
});

test("gradients beside the backward pass cost nothing until somebody waits for them", () => {
  // Oracle: hand. Gradients 1-4 beside a kernel 1-3; the join ends at 4.
  const streams = new Streams(still);
  streams.launch("a", "kernel", 1, 0);
  streams.startCollective(call(3), 2);
  streams.launch("b", "kernel", 2, 0);
  expect(streams.computeSeconds).toBe(3);
  streams.joinCommunication();
  expect(streams.computeSeconds).toBe(4);
});

test("work since the last barrier drifts as a random walk, and the barrier ends it", () => {
  // Oracle: hand. σ = √(jitter · work) = √(0.25 · 4) = 1; two ranks wait 1/√π; then σ = √(0.25 · 1) = 0.5.
  const streams = new Streams({ hostSeconds: 9, deviceSeconds: 0.25 });
  streams.launch("a", "kernel", 4, 0);
  streams.barrier(call(0), 2, alone);
  const first = streams.computeSeconds - 4;
  streams.launch("b", "kernel", 1, 0);
  streams.barrier(call(0), 2, alone);
  expect(first).toBeCloseTo(1 / Math.sqrt(Math.PI), 6);
  expect(streams.computeSeconds - 5 - first).toBeCloseTo(0.5 / Math.sqrt(Math.PI), 6);
});

test("what a barrier waits for tells whose jitter counts", () => {
  // Oracle: hand. The host is 4 s behind with nothing to run: σ = √(1 · 4) = 2, times 1/√π.
  const streams = new Streams({ hostSeconds: 1, deviceSeconds: 1e6 });
  streams.work("a", "work", 4);
  streams.barrier(call(0), 2, alone);
  expect(streams.computeSeconds).toBeCloseTo(4 + 2 / Math.sqrt(Math.PI), 6);
});

test("groups that wait inside are late as one against each other", () => {
  // Oracle: hand. 4 + 1 s of kernels since all were in step, 1 s since the barrier of 2; 4 ranks are 2 groups of 2:
  // (√(0.25 · 5) + √(0.25 · 1)) / √π after the two ranks waited √(0.25 · 4) / √π at their barrier.
  const streams = new Streams({ hostSeconds: 0, deviceSeconds: 0.25 });
  streams.launch("a", "kernel", 4, 0);
  streams.barrier(call(0), 2, alone);
  streams.launch("b", "kernel", 1, 0);
  streams.startCollective(call(0), 4);
  const late = (1 + Math.sqrt(1.25) + 0.5) / Math.sqrt(Math.PI);
  expect(streams.communicationSeconds).toBeCloseTo(5 + late, 6);
});

test("after a barrier of the world only later work drifts", () => {
  // Oracle: hand, the same with all ranks in the barrier: 4 ranks, E max = 1.02938; √(0.25 · 4) then √(0.25 · 1).
  const streams = new Streams({ hostSeconds: 0, deviceSeconds: 0.25 });
  streams.launch("a", "kernel", 4, 0);
  streams.barrier(call(0), 4, alone);
  streams.launch("b", "kernel", 1, 0);
  streams.startCollective(call(0), 4);
  expect(streams.communicationSeconds).toBeCloseTo(5 + 1.5 * 1.02938, 4);
});

test("a host is in step again only once it has waited for a device that was", () => {
  // Oracle: hand. σ = √(host work), E max of 2 = 1/√π. The host works 4 s: 2/√π late at the first barrier. If it then
  // waits, its work counts from there and 1 s more makes it 1/√π late; otherwise √5/√π, from its own clock.
  const afterSync = (isSynced: boolean): Streams => {
    const streams = new Streams({ hostSeconds: 1, deviceSeconds: 0 });
    streams.work("a", "work", 4);
    streams.barrier(call(0), 2, alone);
    if (isSynced) streams.drain("a", "host sync", 0);
    streams.work("b", "work", 1);
    streams.barrier(call(0), 2, alone);
    return streams;
  };
  const unit = 1 / Math.sqrt(Math.PI);
  expect(afterSync(true).computeSeconds).toBeCloseTo(4 + 2 * unit + 1 + unit, 6);
  expect(afterSync(false).computeSeconds).toBeCloseTo(5 + Math.sqrt(5) * unit, 6);
});

const layerOf = (parameters: number, isFrozen = false): TimedLayer => ({
  layer: {
    ...{ name: "linear", kind: "linear", channels: 1, positions: 1, inputElements: 1, outputElements: 1 },
    ...{ parameters, forwardFlops: 2, isFrozen },
  },
  forward: [1],
  backward: isFrozen ? [] : [1, 1],
  synchronized: null,
});

test("gradient buckets fill from the last layer and close with the layer that reaches their limit", () => {
  // Oracle: hand, limits 4 and 40 bytes of 4-byte gradients; frozen layers have none.
  const layers = [layerOf(3), layerOf(5), layerOf(9, true), layerOf(6), layerOf(2)];
  const buckets = gradientBuckets(layers, { firstBucketBytes: 4, bucketBytes: 40, overlapsBackward: true });
  expect(buckets).toEqual([
    { bytes: 8, afterLayer: 4 },
    { bytes: 44, afterLayer: 1 },
    { bytes: 12, afterLayer: 0 },
  ]);
});

const norm: TimedLayer = {
  layer: { ...layerOf(4).layer, name: "norm", kind: "batch-norm" },
  forward: [3],
  backward: [5],
  synchronized: { forward: [1, 2], backward: [2, 3] },
};

/** One linear layer and one BatchNorm, launches free, collectives of 7 s. */
function stepOf(change: Partial<StepSetting>): StepSetting {
  const profile = {
    ...frameworkProfile("pytorch-1.9")!,
    kernelLaunchSeconds: 0,
    collectiveLaunchSeconds: 0,
  };
  const quiet = { collectives: [], extraKernels: 0, copiesPerRank: 0, hostSyncs: 0, mergesRanks: false };
  return {
    layers: [layerOf(0), norm],
    parameters: 0,
    gpu: { memoryBytesPerSecond: 1e30, peakFlops: { fp32: 1, tf32: 1, amp: 1 }, measuredKin: "a100" },
    profile: {
      ...profile,
      forward: { ...quiet, collectives: profile.forward.collectives },
      backward: { ...quiet, collectives: profile.backward.collectives },
    },
    worldSize: 2,
    groupRanks: 2,
    collectiveSeconds: () => 7,
    gradientSeconds: () => 0,
    jitter: still,
    scales: { kernels: 1, wire: 1, launch: 1, hostSync: true, skew: true },
    pace: { layers: 1, rest: 1 },
    ...change,
  };
}

/** The optimiser's kernel and its floor: microseconds beside seconds. */
const decimals = 4;

test("a step is its kernels and its collectives when nothing overlaps", () => {
  // Oracle: hand. Linear 1 + 2; BatchNorm fused 3 + 5, in two parts 1 + 2 + 2 + 3, with two collectives of 7.
  expect(stepTime(stepOf({ groupRanks: 1 })).seconds).toBeCloseTo(3 + 8, decimals);
  expect(stepTime(stepOf({})).seconds).toBeCloseTo(3 + 8 + 14, decimals);
  expect(stepTime(stepOf({ groupRanks: 0 })).seconds).toBeCloseTo(3, decimals);
});

test("the forward pass ends where the loss would begin", () => {
  // Oracle: hand. Linear 1, statistics 1, collective 7, normalise 2.
  expect(stepTime(stepOf({})).forwardSeconds).toBeCloseTo(11, decimals);
});

test("gradients that outlast the backward pass delay the step", () => {
  // Oracle: hand. The BatchNorm is the last layer: its gradients leave 5 + 4 s into a local step and take 20 s.
  const seconds = stepTime(stepOf({ groupRanks: 1, gradientSeconds: () => 20 })).seconds;
  expect(seconds).toBeCloseTo(1 + 3 + 5 + 20, decimals);
});

test("a framework that keeps gradients until the end of the backward pass overlaps none of them", () => {
  // Oracle: hand. The same step, whose gradients leave after the last kernel, at 11.
  const { profile } = stepOf({});
  const gradients = { ...profile.gradients, overlapsBackward: false };
  const late = stepOf({ groupRanks: 1, gradientSeconds: () => 20, profile: { ...profile, gradients } });
  expect(stepTime(late).seconds).toBeCloseTo(11 + 20, decimals);
});

test("collectives are asked for as nccl-tests counts bytes", () => {
  // Oracle: hand, one channel and 2 ranks: a gather of 3 floats from each, a reduction of 2 floats.
  const asked: unknown[] = [];
  const collectiveSeconds: StepSetting["collectiveSeconds"] = (...request) => asked.push(request);
  stepTime(stepOf({ collectiveSeconds }));
  expect(asked).toEqual([
    ["all-gather", 24, 2],
    ["all-reduce", 8, 2],
  ]);
});

test("statistics that are merged rank by rank take longer the more ranks there are", () => {
  // Oracle: hand. 30 ns a rank, once a step; everything else is the same.
  const { profile } = stepOf({});
  const merging = { ...profile, forward: { ...profile.forward, mergesRanks: true } };
  const ranks = { worldSize: 1e8, groupRanks: 1e8 };
  const seconds = stepTime(stepOf({ ...ranks, profile: merging })).seconds;
  expect(seconds - stepTime(stepOf({ ...ranks, profile })).seconds).toBeCloseTo(3, decimals);
});

test("slices of a track follow one another", () => {
  const slices: Slice[] = [];
  const jitter = { hostSeconds: 0.1, deviceSeconds: 0.1 };
  stepTime(stepOf({ jitter, gradientSeconds: () => 2 }), (slice) => slices.push(slice));
  // Invariant of a stream: what starts later starts after the end of what started before.
  for (const track of ["host", "compute", "communication"] as const) {
    const own = slices.filter((slice) => slice.track === track);
    for (const [i, { startSeconds }] of own.slice(1).entries()) {
      const before = own[i]!;
      expect(startSeconds).toBeGreaterThanOrEqual(before.startSeconds + before.durationSeconds);
    }
  }
  expect(slices.filter(({ isSkew }) => isSkew)).toHaveLength(2);
});
