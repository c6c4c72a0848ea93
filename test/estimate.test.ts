import { expect, test } from "vitest";
import { type Estimate, estimate } from "../src/cost/estimate/estimate.ts";
import { paceThatTakes } from "../src/cost/estimate/pace.ts";
import { type EstimateRequest, resolveRequest } from "../src/cost/estimate/request.ts";
import { stepModel } from "../src/cost/estimate/step-model.ts";
import { estimateTrace } from "../src/cost/estimate/trace.ts";
import { parseRequest, type WrittenRequest } from "../src/cost/estimate/written-request.ts";
import { profileNames } from "../src/cost/frameworks/profiles.ts";
import type { Layer } from "../src/cost/models/model.ts";
import { chromeTrace } from "../src/cost/trace/chrome-trace.ts";
import { type Fault, isSimulatorError, type ScenarioError } from "../src/errors.ts";
import { renderOverview } from "../src/node/terminal-table.ts";
import { summaryOf } from "../src/report/estimate-summary.ts";
import { expectedOutputMse } from "../src/statistics/expectations.ts";

const base: EstimateRequest = { model: "resnet50", cluster: "dgx-a100", gpus: 64, microbatch: 32 };
const result: Estimate = estimate(base);

/** Sums of the same numbers in another order: about 100 terms of float64. */
const rounding = 1e-12;

test("an estimate has the fields that the command line promises", () => {
  // Oracle: the contract of `normsim estimate --json`.
  const promised = [
    ...["model", "cluster", "gpus", "microbatch", "precision", "implementation", "baselineStepSeconds"],
    ...["localBatchNorm", "syncBatchNorm", "groups", "layers"],
  ];
  for (const field of promised) expect(result).toHaveProperty(field);
  for (const field of ["stepSeconds", "lowSeconds", "highSeconds", "overheadPercent", "breakdown"])
    expect(result.syncBatchNorm).toHaveProperty(field);
  for (const field of ["group", "stepSeconds", "overheadPercent", "outputMse"])
    expect(result.groups[0]).toHaveProperty(field);
  expect(result).toMatchObject({ ...base, precision: "tf32", implementation: "pytorch" });
});

test("ResNet-50's 53 layers contribute 212,692 bytes forward and 212,480 backward", () => {
  // Oracle: hand. 53 layers with 26,560 channels: 4 · (2 · 26,560 + 53) and 4 · 2 · 26,560.
  const sum = (field: "forwardBytes" | "backwardBytes" | "collectives" | "channels"): number =>
    result.layers.reduce((total, layer) => total + layer[field], 0);
  expect(result.layers).toHaveLength(53);
  expect([sum("channels"), sum("forwardBytes"), sum("backwardBytes")]).toEqual([26_560, 212_692, 212_480]);
  expect(sum("collectives")).toBe(106);
});

test("collectives of each implementation are those read in its source", () => {
  // Oracle: sources named in src/cost/frameworks; collectives of one layer, forward and backward, and values
  // that one rank contributes to them for a layer of 64 channels.
  const published = {
    pytorch: [2, 129 + 128],
    "pytorch-graph": [2, 129 + 128],
    "pytorch-1.9": [2, 129 + 128],
    "pytorch-1.6": [2, 129 + 128],
    "pytorch-1.5": [5, 129 + 128],
    apex: [2, 129 + 128],
    detectron2: [2, 128 + 128],
    horovod: [5, 130 + 128], // the count is an int64
    "horovod-0.20": [5, 130 + 128],
    keras: [5, 192 + 128],
    flax: [2, 128 + 128],
    mxnet: [0, 0],
  };
  expect(profileNames.toSorted()).toEqual(Object.keys(published).sort());
  for (const [implementation, [collectives, values]] of Object.entries(published)) {
    const stem = estimate({ ...base, gpus: 8, implementation }).layers[0]!;
    expect([implementation, stem.channels, stem.collectives]).toEqual([implementation, 64, collectives]);
    expect(stem.forwardBytes + stem.backwardBytes).toBe(4 * values!);
  }
});

test("the exposed parts of the breakdown add up to the overhead, for every implementation", () => {
  for (const implementation of profileNames) {
    const { syncBatchNorm, localBatchNorm } = estimate({ ...base, gpus: 8, microbatch: 2, implementation });
    const { skew, ...monotone } = syncBatchNorm.breakdown;
    const parts = Object.values(monotone);
    const sum = parts.reduce((total, { exposedSeconds }) => total + exposedSeconds, skew.exposedSeconds);
    const overhead = syncBatchNorm.stepSeconds - localBatchNorm.stepSeconds;
    expect(Math.abs(sum - overhead), implementation).toBeLessThan(rounding);
    for (const { hiddenSeconds, exposedSeconds } of parts) {
      expect(hiddenSeconds).toBeGreaterThanOrEqual(0);
      // More work never makes a step shorter: the streams are a max-plus system.
      expect(exposedSeconds, implementation).toBeGreaterThanOrEqual(-rounding);
    }
  }
});

test("no BatchNorm is faster than a local one, and a synchronised one lies inside its band", () => {
  const { noBatchNorm, localBatchNorm, syncBatchNorm } = result;
  expect(noBatchNorm.stepSeconds).toBeLessThan(localBatchNorm.stepSeconds);
  expect(localBatchNorm.stepSeconds).toBeLessThan(syncBatchNorm.lowSeconds);
  expect(syncBatchNorm.lowSeconds).toBeLessThan(syncBatchNorm.stepSeconds);
  expect(syncBatchNorm.stepSeconds).toBeLessThan(syncBatchNorm.highSeconds);
});

test("groups are 1, 2, 4, ... ranks, the node and the world; cost rises and divergence falls with them", () => {
  const { groups } = estimate({ ...base, cluster: "abci-a", gpus: 12 });
  // Oracle: hand. ABCI's A100 nodes have 8 GPUs; 12 is the world.
  expect(groups.map(({ group, label }) => [group, label])).toEqual([
    ...[
      [1, "local"],
      [2, null],
      [4, null],
      [8, "node"],
    ],
    [12, "world"],
  ]);
  for (const [i, larger] of groups.slice(1).entries()) {
    expect(larger.outputMse).toBeLessThan(groups[i]!.outputMse);
    expect(larger.stepSeconds).toBeGreaterThan(groups[i]!.stepSeconds);
  }
  expect(groups.at(-1)).toMatchObject({
    outputMse: 0,
    stepSeconds: expect.closeTo(groups.at(-1)!.stepSeconds),
  });
});

test("outputMse is the mean over layers of the closed form for one layer", () => {
  // Oracle: expectedOutputMse of each layer of ResNet-50, whose positions are hand-counted by stage: 112² once,
  // 56² for 3 blocks of 3 with the first of stage 2 still at 56², and so on, and the 4 downsampling layers.
  const positions = [
    ...Array(1).fill(112 ** 2), // stem
    ...Array(10 + 1).fill(56 ** 2), // stage 1: 3 · 3 + 1; the first 1x1 of stage 2
    ...Array(12 + 1).fill(28 ** 2), // stage 2: 4 · 3 + 1, less the one above, plus the first of stage 3
    ...Array(18 + 1).fill(14 ** 2), // stage 3: 6 · 3 + 1, likewise
    ...Array(9).fill(7 ** 2), // stage 4: 3 · 3 + 1, less the one above
  ];
  expect(positions).toHaveLength(53);
  const mean = (group: number): number =>
    positions.reduce((sum, count) => sum + expectedOutputMse(32 * count * group, 32 * count * 64), 0) / 53;
  for (const { group, outputMse } of result.groups)
    expect(Math.abs(outputMse - mean(group)), `${group}`).toBeLessThan(rounding);
});

test("a measured step is the baseline, and overheads are relative to it", () => {
  const { baselineStepSeconds, localBatchNorm, syncBatchNorm } = estimate({ ...base, stepSeconds: 0.12 });
  expect([baselineStepSeconds, localBatchNorm.stepSeconds]).toEqual([0.12, 0.12]);
  expect(syncBatchNorm.overheadPercent).toBeCloseTo(100 * (syncBatchNorm.stepSeconds / 0.12 - 1), 9);
});

test("a measured step that is the modelled one changes nothing", () => {
  const again = estimate({ ...base, stepSeconds: result.baselineStepSeconds });
  // 40 halvings of an interval of 1 leave 1e-12 of the step.
  expect(again.syncBatchNorm.stepSeconds / result.syncBatchNorm.stepSeconds).toBeCloseTo(1, 9);
});

test("a slower step slows layers down, a faster one speeds everything up", () => {
  // Oracle: hand. 2 a + b is 6 at a = 2.5, b = 1, and 1.5 at a = b = 0.5.
  const secondsAt = ({ layers, rest }: { layers: number; rest: number }): number => 2 * layers + rest;
  expect(paceThatTakes(6, secondsAt)).toEqual({ layers: expect.closeTo(2.5, 9), rest: 1 });
  const fast = paceThatTakes(1.5, secondsAt);
  expect(fast).toEqual({ layers: expect.closeTo(0.5, 9), rest: fast.layers });
});

test("the optimiser leaves frozen parameters alone", () => {
  // Oracle: hand. 10^9 float32 parameters move 20 GB in an update, over 10 ms on an A100; a frozen layer has no
  // backward pass either, so what follows the forward pass are ten launches of 10 µs and the shortest kernel.
  const frozen: Layer = {
    ...{ name: "frozen", kind: "linear", channels: 1, positions: 1, inputElements: 1, outputElements: 1 },
    ...{ parameters: 1e9, forwardFlops: 2, isFrozen: true },
  };
  const resolved = resolveRequest({ ...base, gpus: 1 });
  const model = { ...resolved.model, layers: [frozen], parameters: frozen.parameters };
  const { seconds, forwardSeconds } = stepModel({ ...resolved, model }).step(1);
  expect(seconds - forwardSeconds).toBeLessThan(1e-3);
});

test("precision is TF32 unless said otherwise, and float32 on GPUs that have none", () => {
  // Oracle: data sheets; TF32 came with Ampere, after V100 (Volta).
  expect(result.precision).toBe("tf32");
  expect(estimate({ ...base, cluster: "dgx-1-v100" }).precision).toBe("fp32");
});

test("one GPU synchronises nothing", () => {
  const { groups, syncBatchNorm, localBatchNorm, layers } = estimate({ ...base, gpus: 1 });
  expect(groups).toMatchObject([{ group: 1, label: "world", overheadPercent: 0, outputMse: 0 }]);
  expect(syncBatchNorm.stepSeconds).toBe(localBatchNorm.stepSeconds);
  expect(layers[0]).toMatchObject({ collectives: 0, forwardBytes: 0, wireSeconds: 0, overheadSeconds: 0 });
});

test("a model without BatchNorm has nothing to synchronise, and the advice says so", () => {
  const { advice, layers, syncBatchNorm } = estimate({ ...base, model: "gpt2-small", microbatch: 4 });
  expect(layers).toEqual([]);
  expect(syncBatchNorm.overheadPercent).toBe(0);
  expect(advice).toBe("gpt2-small has no BatchNorm that is trained: there is nothing to synchronise.");
});

test("frozen layers are neither synchronised nor updated", () => {
  // Oracle: https://github.com/facebookresearch/detectron2, mask_rcnn_R_50_FPN_3x_syncbn.yaml: the stem and res2 are
  // frozen; 42 BatchNorms in res3 to res5, 8 in the FPN, 4 in each head.
  const { layers } = estimate({ ...base, model: "mask-rcnn-r50-fpn", gpus: 8, microbatch: 2 });
  expect(new Set(layers.map(({ name }) => name.replace(/\[\d+\]$/, ""))).size).toBe(42 + 8 + 4 + 4);
});

test("65,536 GPUs are as few timelines as 64 and one more for each doubling", () => {
  // The count of groups bounds the work: nothing is done rank by rank.
  const { groups } = estimate({ ...base, gpus: 65_536 });
  expect(groups).toHaveLength(17);
  expect(result.groups).toHaveLength(7);
});

test("advice is one sentence", () => {
  for (const request of [base, { ...base, microbatch: 1 }, { ...base, gpus: 8, group: 1 as const }])
    expect(estimate(request).advice).toMatch(/^[^.]*(\.\d[^.]*)*\.$/);
});

test("tables fit 100 columns, also with the longest names there are", () => {
  const long = {
    ...base,
    model: "mask-rcnn-r101-fpn",
    cluster: "azure-nd-a100",
    gpus: 65_536,
    microbatch: 2,
  };
  const { steps, breakdown, groups } = summaryOf(estimate(long));
  for (const overview of [steps, breakdown, groups]) {
    const lines = renderOverview(overview, 100).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines).toHaveLength(overview.rows.length + 1);
  }
});

test("the trace ends with the step, and viewers can draw it", () => {
  const request = { ...base, gpus: 8 };
  const events = estimateTrace(request);
  const end = Math.max(...events.map(({ startSeconds, durationSeconds }) => startSeconds + durationSeconds));
  expect(Math.abs(end - estimate(request).syncBatchNorm.stepSeconds)).toBeLessThan(rounding);
  // chromeTrace asserts that events nest and that arrows end where something happens.
  const { traceEvents } = chromeTrace(events);
  // Oracle: one arrow for each of ResNet-50's 106 collectives.
  expect(traceEvents.filter(({ ph }) => ph === "f")).toHaveLength(106);
});

test("a step that synchronises nothing is drawn with one rank", () => {
  const ranks = new Set(estimateTrace({ ...base, gpus: 1 }).map(({ rank }) => rank));
  expect([...ranks]).toEqual([0]);
});

function faultsOf(action: () => unknown): readonly Fault[] {
  try {
    action();
  } catch (error) {
    if (isSimulatorError(error, "ScenarioError")) return (error as ScenarioError).faults;
    throw error;
  }
  throw new Error("nothing was refused");
}

const written: WrittenRequest = { model: "resnet50", cluster: "dgx-a100", gpus: "64", microbatch: "32" };

test("every fault of a request is told at once, each with what would do", () => {
  const faults = faultsOf(() =>
    parseRequest({
      ...{ model: "resnet5", cluster: "dgx-a10", gpus: "-3", microbatch: "zero", precision: "fp8" },
      ...{ implementation: "pytroch", group: "nodes", stepTime: "120", nccl: "9" },
    }),
  );
  expect(faults.map(({ path }) => path).toSorted()).toEqual([
    "cluster",
    "gpus",
    "group",
    "implementation",
    "microbatch",
    "model",
    "nccl",
    "precision",
    "step-time",
  ]);
  const message = (path: string): string => faults.find((fault) => fault.path === path)!.message;
  expect(message("model")).toMatch(/did you mean "resnet50"\?$/);
  expect(message("cluster")).toMatch(/did you mean "dgx-a100"\?$/);
  expect(message("implementation")).toMatch(/did you mean "pytorch"\?$/);
  expect(message("microbatch")).toBe('expected a whole number from 1 to 1048576, got "zero"');
  expect(message("step-time")).toMatch(/^expected a duration such as 120ms/);
});

const refusals: readonly { name: string; change: Partial<WrittenRequest>; path: string; message: RegExp }[] =
  [
    { name: "no GPUs", change: { gpus: "0" }, path: "gpus", message: /^expected a whole number from 1/ },
    { name: "an empty microbatch", change: { microbatch: "0" }, path: "microbatch", message: /got 0$/ },
    { name: "half a GPU", change: { gpus: "1.5" }, path: "gpus", message: /got 1\.5$/ },
    { name: "a blank", change: { gpus: "" }, path: "gpus", message: /got ""$/ },
    {
      name: "a group over all",
      change: { group: "65" },
      path: "group",
      message: /^expected at most the 64 GPUs, got 65$/,
    },
    { name: "an empty group", change: { group: "0" }, path: "group", message: /^expected node, world or/ },
    { name: "a step of 0 s", change: { stepTime: "0ms" }, path: "step-time", message: /from 10us to a day/ },
    {
      name: "a step of days",
      change: { stepTime: "1e6s" },
      path: "step-time",
      message: /from 10us to a day/,
    },
    {
      name: "a group that Horovod cannot make",
      change: { implementation: "horovod", group: "node" },
      path: "group",
      message: /synchronises all ranks or none/,
    },
    {
      name: "MXNet's one process over several nodes",
      change: { implementation: "mxnet" },
      path: "gpus",
      message: /expected at most the 8 GPUs of a node, got 64$/,
    },
  ];

for (const { name, change, path, message } of refusals) {
  test(`${name} is refused`, () => {
    const faults = faultsOf(() => parseRequest({ ...written, ...change }));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ file: "normsim estimate", path });
    expect(faults[0]!.message).toMatch(message);
  });
}

test("a cluster of GPUs that nobody has timed is refused", () => {
  const inter = { kind: "ib-hdr", nicsPerNode: 1, bandwidthBytesPerSecond: 25e9 } as const;
  const cluster = { name: "own", gpu: "voodoo2", gpusPerNode: 1, intra: "pcie3", inter } as const;
  expect(faultsOf(() => estimate({ ...base, cluster }))).toMatchObject([{ path: "cluster.gpu" }]);
});
