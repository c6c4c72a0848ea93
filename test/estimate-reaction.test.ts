import { describe, expect, test } from "vitest";
import type { Cluster } from "../src/cost/cluster.ts";
import { type Estimate, estimate } from "../src/cost/estimate/estimate.ts";
import type { EstimateRequest } from "../src/cost/estimate/request.ts";
import { clusterPresets } from "../src/cost/presets.ts";

const cluster: Cluster = clusterPresets["dgx-a100"]!;
const { inter } = cluster;
const base: EstimateRequest = { model: "resnet50", cluster, gpus: 64, microbatch: 4, ncclVersion: "2.20" };
const before = estimate(base);

/** The figures of an estimate, without the names that echo the request. */
function figures({ baselineStepSeconds, syncBatchNorm, groups, layers }: Estimate): unknown {
  return { baselineStepSeconds, syncBatchNorm, groups, layers };
}

const changes: readonly { readonly name: string; readonly change: Partial<EstimateRequest> }[] = [
  { name: "model", change: { model: "resnet101" } },
  { name: "gpus", change: { gpus: 128 } },
  { name: "microbatch", change: { microbatch: 8 } },
  { name: "precision fp32", change: { precision: "fp32" } },
  { name: "precision amp", change: { precision: "amp" } },
  { name: "group", change: { group: 16 } },
  { name: "group node", change: { group: "node" } },
  { name: "step time", change: { stepSeconds: 0.05 } },
  { name: "NCCL version", change: { ncclVersion: "2.4" } },
  { name: "cluster.gpu", change: { cluster: { ...cluster, gpu: "h100" } } },
  { name: "cluster.gpusPerNode", change: { cluster: { ...cluster, gpusPerNode: 4 } } },
  { name: "cluster.intra", change: { cluster: { ...cluster, intra: "pcie4" } } },
  { name: "cluster.inter.kind", change: { cluster: { ...cluster, inter: { ...inter, kind: "tcp" } } } },
  {
    name: "cluster.inter.bandwidth",
    change: {
      cluster: {
        ...cluster,
        inter: { ...inter, bandwidthBytesPerSecond: inter.bandwidthBytesPerSecond / 20 },
      },
    },
  },
  {
    name: "cluster.inter.nicsPerNode",
    change: { cluster: { ...cluster, inter: { ...inter, nicsPerNode: 1 } } },
  },
  {
    name: "cluster.inter.stepLatency",
    change: { cluster: { ...cluster, inter: { ...inter, stepLatencySeconds: 50e-6 } } },
  },
  { name: "cluster.launchSeconds", change: { cluster: { ...cluster, launchSeconds: 50e-6 } } },
  {
    name: "cluster.cpu",
    change: { cluster: { ...cluster, cpu: cluster.cpu === "intel" ? "amd" : "intel" } },
  },
  ...[
    ...["pytorch-graph", "pytorch-1.9", "pytorch-1.6", "pytorch-1.5", "apex", "detectron2"],
    ...["horovod", "horovod-0.20", "keras", "flax"],
  ].map((implementation) => ({ name: `implementation ${implementation}`, change: { implementation } })),
];

describe("an estimate reacts to", () => {
  for (const { name, change } of changes)
    test(name, () => {
      expect(figures(estimate({ ...base, ...change }))).not.toEqual(figures(before));
    });
});

/** Parameters that change nothing, and why. */
const inert: readonly {
  name: string;
  why: string;
  request: EstimateRequest;
  change: Partial<EstimateRequest>;
}[] = [
  {
    name: "the bandwidth between nodes",
    why: "on one node nothing leaves it",
    request: { ...base, gpus: 8 },
    change: { cluster: { ...cluster, inter: { ...inter, bandwidthBytesPerSecond: 1e9 } } },
  },
  {
    name: "TF32",
    why: "a V100 has none, so it is float32; a note says so",
    request: { ...base, cluster: "dgx-1-v100", precision: "fp32" },
    change: { precision: "tf32" },
  },
  {
    name: "the cluster's NCCL version",
    why: "the request's own comes first",
    request: base,
    change: { cluster: { ...cluster, nccl: "2.10" } },
  },
];

describe("an estimate does not react to", () => {
  for (const { name, why, request, change } of inert)
    test(`${name}: ${why}`, () => {
      expect(figures(estimate({ ...request, ...change }))).toEqual(figures(estimate(request)));
    });
});

describe("an estimate moves in the direction that", () => {
  // Invariants: less hardware or more of what is paid for never costs less.
  const overhead = (change: Partial<EstimateRequest>): number => {
    const { syncBatchNorm, baselineStepSeconds } = estimate({ ...base, ...change });
    return syncBatchNorm.stepSeconds - baselineStepSeconds;
  };
  test("slower messages between nodes cost more", () => {
    const slow = { ...cluster, inter: { ...inter, stepLatencySeconds: 50e-6 } };
    expect(overhead({ cluster: slow })).toBeGreaterThan(overhead({}));
  });
  test("a captured graph costs less than launches", () => {
    expect(overhead({ implementation: "pytorch-graph" })).toBeLessThan(overhead({}));
  });
  test("five collectives cost more than two", () => {
    expect(overhead({ implementation: "pytorch-1.5" })).toBeGreaterThan(
      overhead({ implementation: "pytorch-1.6" }),
    );
  });
  test("no host sync costs less than one", () => {
    expect(overhead({ implementation: "pytorch-1.9" })).toBeLessThan(overhead({ implementation: "pytorch" }));
  });
  test("a shorter negotiation cycle costs less", () => {
    expect(overhead({ implementation: "horovod" })).toBeLessThan(
      overhead({ implementation: "horovod-0.20" }),
    );
  });
  test("a larger microbatch leaves groups nearer to the world", () => {
    const mse = (microbatch: number): number => estimate({ ...base, microbatch }).groups[0]!.outputMse;
    expect(mse(8)).toBeLessThan(mse(4));
  });
});
