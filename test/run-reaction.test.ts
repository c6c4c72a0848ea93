import { expect, test } from "vitest";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: invariant. A parameter that changes nothing in a report is a parameter that does nothing,
// unless there is a reason, which stands here.

const cluster = {
  name: "base",
  gpu: "a100",
  gpusPerNode: 2,
  intra: "nvswitch",
  inter: { kind: "ib-hdr", nicsPerNode: 2, bandwidth: "25GB/s" },
};
const data = { source: "gaussian", samples: 4, channels: 6, positions: [3] };
const local = { name: "local", type: "batch-norm", group: "rank" };
const sync = { name: "sync", type: "batch-norm", group: 4 };
const powerNorm = { name: "PN", type: "power-norm", warmUp: 1 };
const mabn = { name: "MABN", type: "mabn", window: 2, warmUp: 0, renormAfter: 0 };
const base: Record<string, unknown> = {
  seed: 3,
  mesh: { data: 4 },
  data,
  normalizers: [local, sync],
  trainingSteps: 2,
  cluster,
};

const precise = { name: "precise", type: "batch-norm", group: "rank", buffers: "precise" };
const evaluation = { batches: 2, preciseBatches: 2 };
const evaluated = { normalizers: [precise, local], evaluation };

const heavy = { source: "heavy-tailed", degreesOfFreedom: 5, samples: 4, channels: 6, positions: [3] };
const skew = { source: "label-skew", classes: 4, concentration: 1, samples: 4, channels: 6, positions: [3] };
const sequences = { source: "sequences", samples: 4, channels: 6, positions: 8, minLength: 2, maxLength: 6 };

interface Turn {
  readonly name: string;
  readonly from?: Record<string, unknown>;
  readonly to: Record<string, unknown>;
  /** Why nothing changes. */
  readonly reason?: string;
}

const turns: readonly Turn[] = [
  { name: "seed", to: { seed: 4 } },
  { name: "mesh.data", to: { mesh: { data: 8 } } },
  { name: "storage", to: { storage: "float64" } },
  { name: "payload", to: { payload: "bfloat16" } },
  { name: "backward", to: { backward: false } },
  { name: "accumulation", to: { accumulation: 2 } },
  { name: "evaluation", to: { evaluation: {} } },
  { name: "evaluation.batches", from: evaluated, to: { evaluation: { ...evaluation, batches: 3 } } },
  {
    name: "evaluation.preciseBatches",
    from: evaluated,
    to: { evaluation: { ...evaluation, preciseBatches: 3 } },
  },
  ...["broadcast", "average", "precise-average"].map((buffers) => ({
    name: `normalizers.buffers (${buffers})`,
    from: evaluated,
    to: { normalizers: [precise, { ...local, buffers }] },
  })),
  {
    name: "normalizers.deferred",
    from: { ...evaluated, accumulation: 2 },
    to: { normalizers: [precise, { ...local, deferred: true }] },
  },
  {
    name: "normalizers.momentum (evaluated)",
    from: evaluated,
    to: { normalizers: [precise, { ...local, momentum: 0.5 }] },
  },
  { name: "trainingSteps", to: { trainingSteps: 3 } },
  { name: "algorithms.allReduce", to: { algorithms: { allReduce: "binomial-tree" } } },
  { name: "algorithms.allGather", to: { algorithms: { allGather: "bruck" } } },
  ...Object.entries({
    samples: 5,
    channels: 7,
    positions: [4],
    mean: 3,
    std: 2,
    channelSpread: 1,
    positionCorrelation: 0.5,
    drift: 0.5,
  }).map(([key, value]) => ({ name: `data.${key} (gaussian)`, to: { data: { ...data, [key]: value } } })),
  ...Object.entries({ mean: 3, std: 2, degreesOfFreedom: 9 }).map(([key, value]) => ({
    name: `data.${key} (heavy-tailed)`,
    from: { data: heavy },
    to: { data: { ...heavy, [key]: value } },
  })),
  ...Object.entries({ classes: 5, concentration: 9, classSpread: 3, std: 2 }).map(([key, value]) => ({
    name: `data.${key} (label-skew)`,
    from: { data: skew },
    to: { data: { ...skew, [key]: value } },
  })),
  ...Object.entries({ positions: 9, minLength: 3, maxLength: 7, mean: 3, std: 2, masked: false }).map(
    ([key, value]) => ({
      name: `data.${key} (sequences)`,
      from: { data: sequences },
      to: { data: { ...sequences, [key]: value } },
    }),
  ),
  ...Object.entries({
    name: "other",
    group: 2,
    implementation: "all-reduce-moments",
    epsilon: 0.1,
    weight: 2,
    bias: 1,
  }).map(([key, value]) => ({
    name: `normalizers.${key}`,
    to: { normalizers: [local, { ...sync, [key]: value }] },
  })),
  ...[
    { name: "normalizers.tensorParallel", tensorParallel: "replicated" },
    { name: "normalizers.fault", fault: "rank-local-statistics" },
  ].map(({ name, ...field }) => {
    const cut = { mesh: { tensor: 2 }, normalizers: [{ type: "layer-norm" }] };
    return { name, from: cut, to: { normalizers: [{ type: "layer-norm", ...field }] } };
  }),
  ...Object.entries({ warmUp: 0, momentum: 0.5, momentumBackward: 0.5, group: 2 }).map(([key, value]) => ({
    name: `normalizers.${key} (power-norm)`,
    from: { normalizers: [powerNorm] },
    to: { normalizers: [{ ...powerNorm, [key]: value }] },
  })),
  ...Object.entries({ window: 3, warmUp: 4, renormAfter: 3, momentum: 0.5, group: 2 }).map(
    ([key, value]) => ({
      name: `normalizers.${key} (mabn)`,
      from: { normalizers: [mabn], trainingSteps: 4 },
      to: { normalizers: [{ ...mabn, [key]: value }], trainingSteps: 4 },
    }),
  ),
  ...["one-pass", "welford", "shifted"].map((moments) => ({
    name: `normalizers.moments, ${moments}`,
    from: { normalizers: [local, { ...sync, accumulate: "float32" }] },
    to: { normalizers: [local, { ...sync, accumulate: "float32", moments }] },
  })),
  {
    name: "normalizers.accumulate",
    to: { normalizers: [local, { ...sync, accumulate: "float16" }] },
  },
  ...["float16", "bfloat16"].map((storage) => ({ name: `storage, ${storage}`, to: { storage } })),
  ...Object.entries({ rank: 3, trainingStep: 0, channel: 2 }).map(([key, value]) => {
    const fault = { kind: "nan", rank: 1, trainingStep: 1, sample: 1, channel: 1, position: 1 };
    return {
      name: `faults.${key} (a spoiled value)`,
      from: { faults: [fault], normalizers: [local, { name: "LN", type: "layer-norm" }] },
      to: { faults: [{ ...fault, [key]: value }] },
    };
  }),
  {
    name: "normalizers.momentum",
    to: { normalizers: [local, { ...sync, momentum: 0.5 }] },
    reason: "it moves running statistics, which --dump writes and the report judges in an evaluation",
  },
  ...Object.entries({ gpusPerNode: 4, inter: { ...cluster.inter, kind: "tcp" } }).map(([key, value]) => ({
    name: `cluster.${key}`,
    to: { cluster: { ...cluster, [key]: value } },
  })),
  // Between nodes, what is inside them hides behind the network: all ranks on one node here.
  ...Object.entries({ gpu: "h100", intra: "pcie4" }).map(([key, value]) => ({
    name: `cluster.${key}`,
    from: { cluster: { ...cluster, gpusPerNode: 4 } },
    to: { cluster: { ...cluster, gpusPerNode: 4, [key]: value } },
  })),
  ...Object.entries({ nicsPerNode: 1, bandwidth: "5GB/s", stepLatency: "9us" }).map(([key, value]) => ({
    name: `cluster.inter.${key}`,
    to: { cluster: { ...cluster, inter: { ...cluster.inter, [key]: value } } },
  })),
  ...Object.entries({ cpu: "amd", nccl: "2.12" }).map(([key, value]) => ({
    name: `cluster.${key}`,
    to: { cluster: { ...cluster, [key]: value } },
    reason:
      "a run is priced by the α-β clock of its own schedules; NCCL's tuner is for collective and estimate",
  })),
  { name: "deadline", to: { deadline: "20s" }, reason: "it ends runs that stall, and this one does not" },
];

const figures = async (fields: Record<string, unknown>): Promise<string> =>
  JSON.stringify((await simulate(scenarioFrom(fields))).normalizers);

for (const { name, from = {}, to, reason } of turns) {
  test(`${name} ${reason === undefined ? "moves the report" : `changes nothing: ${reason}`}`, async () => {
    const before = await figures({ ...base, ...from });
    const after = await figures({ ...base, ...from, ...to });
    if (reason === undefined) expect(after).not.toBe(before);
    else expect(after).toBe(before);
  });
}
