import { expect, test } from "vitest";
import { gpuOf } from "../src/cost/clusters/gpus.ts";
import { linkConstants } from "../src/cost/links.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { ScenarioError } from "../src/errors.ts";
import { parseCluster } from "../src/scenario/cluster-document.ts";
import { parseScenario } from "../src/scenario/parse.ts";

function faultsOf(text: string): string[] {
  try {
    parseCluster(text, "lab.yaml");
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const whole =
  "name: lab\ngpu: l40s\ngpusPerNode: 4\nintra: pcie4\ninter: { kind: roce, nicsPerNode: 1, bandwidth: 25GB/s }\n";

test("every preset has links for the plain clock", () => {
  for (const cluster of Object.values(clusterPresets)) {
    const { intra, inter } = linkConstants(cluster);
    for (const { latencySeconds, bandwidthBytesPerSecond } of [intra, inter]) {
      expect(latencySeconds, cluster.name).toBeGreaterThan(0);
      expect(bandwidthBytesPerSecond, cluster.name).toBeGreaterThan(0);
    }
  }
});

test("every preset is a cluster that a file could give", () => {
  for (const name of Object.keys(clusterPresets))
    expect(parseCluster(`preset: ${name}\nname: ${name}`, name)).toEqual(clusterPresets[name]);
});

// Oracle: by hand.
test("a preset is taken but for what is written", () => {
  const text = "preset: dgx-a100\ngpusPerNode: 4\ninter: { stepLatency: 9us }\nlaunch: 7us\nnccl: '2.18'";
  const base = clusterPresets["dgx-a100"]!;
  expect(parseCluster(text, "lab.yaml")).toEqual({
    ...base,
    name: "dgx-a100 (modified)",
    gpusPerNode: 4,
    inter: { ...base.inter, stepLatencySeconds: 9e-6 },
    launchSeconds: 7e-6,
    nccl: "2.18",
  });
});

test("a scenario may modify a preset inline", () => {
  const text = `
name: x
data: { source: gaussian, samples: 2, channels: 3 }
normalizers: [{ type: layer-norm }]
cluster: { preset: polaris, gpusPerNode: 2 }
`;
  expect(parseScenario(text, "x.yaml").cluster).toMatchObject({ name: "polaris (modified)", gpusPerNode: 2 });
});

test("a cluster written out whole needs no preset", () => {
  expect(parseCluster(whole, "lab.yaml")).toMatchObject({ name: "lab", gpu: "l40s" });
});

// Oracle: by hand.
const rows: [title: string, text: string, ...messages: RegExp[]][] = [
  ["a cluster without GPU", whole.replace("gpu: l40s\n", ""), /expected gpu, or a preset/],
  [
    "NVLink on a board that has none",
    whole.replace("pcie4", "nvlink"),
    /intra: expected pcie3, pcie4 or pcie5: l40s/,
  ],
  ["a GPU on a torus", whole.replace("pcie4", "ici"), /intra: expected another link than ici/],
  ["a TPU on NVLink", "preset: tpu-v4\nintra: nvlink", /intra: expected ici/],
  ["an unknown preset", "preset: dgx-a10", /preset: .*did you mean "dgx-a100"/],
  [
    "a version that is not modelled",
    `${whole}nccl: "3.1"`,
    /nccl: expected a version of NCCL in quotes, 2.4 to 2.30/,
  ],
  ["a version that YAML reads as a number", `${whole}nccl: 2.30`, /nccl: expected text, got 2.3/],
  [
    "two faults",
    "preset: dgx-a100\ngpusPerNode: 0\nlaunch: 7",
    /gpusPerNode: expected at least 1/,
    /launch: expected text/,
  ],
];
for (const [title, text, ...messages] of rows) {
  test(`${title} is refused`, () => {
    const faults = faultsOf(text);
    expect(faults.length).toBe(messages.length);
    messages.forEach((message, index) => {
      expect(faults[index]).toMatch(message);
    });
  });
}

test("a GPU of that name on the prototype is no GPU", () => {
  expect(gpuOf("toString")).toBeUndefined();
});
