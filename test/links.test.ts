import { expect, test } from "vitest";
import { knownGpus } from "../src/cost/clusters/gpus.ts";
import { linkConstants } from "../src/cost/links.ts";
import { clusterPresets } from "../src/cost/presets.ts";

const dgxA100 = clusterPresets["dgx-a100"]!;

// Oracle: NVIDIA's data sheets (NVLink per GPU, one direction) and NCCL's src/graph/tuning.cc (0.6 and 5.0 µs);
// the share of the network cards by hand: 4 x 12.5 / 8, 8 x 25 / 8, 8 x 50 / 8 GB/s.
const rows = [
  { name: "dgx-1-v100", intra: 150e9, inter: 6.25e9 },
  { name: "dgx-a100", intra: 300e9, inter: 25e9 },
  { name: "dgx-h100", intra: 450e9, inter: 50e9 },
];

for (const { name, intra, inter } of rows) {
  test(`a GPU of ${name} has its NVLinks and its share of the network cards`, () => {
    expect(linkConstants(clusterPresets[name]!)).toEqual({
      intra: { latencySeconds: 0.6e-6, bandwidthBytesPerSecond: intra },
      inter: { latencySeconds: 5e-6, bandwidthBytesPerSecond: inter },
    });
  });
}

test("every preset is listed under its own name and has a known GPU", () => {
  for (const [name, cluster] of Object.entries(clusterPresets)) {
    expect(cluster.name).toBe(name);
    expect(knownGpus).toContain(cluster.gpu);
  }
});

// Oracle: NCCL's src/graph/tuning.cc (1.0 µs) and its assumption of 24 GB/s for PCIe 4 x16.
test("without NVLink the GPU does not matter", () => {
  for (const gpu of knownGpus) {
    expect(linkConstants({ ...dgxA100, gpu, intra: "pcie4" }).intra).toEqual({
      latencySeconds: 1e-6,
      bandwidthBytesPerSecond: 24e9,
    });
  }
});

test("a cluster's own step latency comes before the table's", () => {
  const inter = { ...dgxA100.inter, stepLatencySeconds: 9e-6 };
  expect(linkConstants({ ...dgxA100, inter }).inter.latencySeconds).toBe(9e-6);
});

test("a GPU that is not in the table is a bug of whoever let it in", () => {
  expect(() => linkConstants({ ...dgxA100, gpu: "a1000" })).toThrow(/gpu a1000 is not one of v100, a100/);
});
