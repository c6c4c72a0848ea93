import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { scenarioJsonSchema } from "../src/scenario/json-schema.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import type { NormalizerSpec } from "../src/scenario/scenario.ts";

const folder = new URL("../scenarios/", import.meta.url);
const shipped = readdirSync(folder).filter((file) => file.endsWith(".yaml"));

function readShipped(file: string): string {
  return readFileSync(new URL(file, folder), "utf8");
}

const minimal = `
name: minimal
data: { source: gaussian, samples: 2, channels: 3 }
normalizers: [{ type: layer-norm }]
`;

test("a minimal scenario gets every default", () => {
  // Oracle: by hand; epsilon and momentum as torch.nn.BatchNorm2d, the cluster as the NVIDIA DGX A100 user guide.
  expect(parseScenario(minimal, "minimal.yaml")).toEqual({
    name: "minimal",
    seed: 1,
    mesh: { data: 1, tensor: 1, sequence: 1 },
    data: {
      source: "gaussian",
      samples: [2],
      channels: 3,
      positions: [],
      mean: 0,
      std: 1,
      channelSpread: 0,
      positionCorrelation: 0,
      drift: 0,
    },
    storage: "float32",
    payload: "float32",
    normalizers: [
      {
        name: "layer-norm",
        type: "layer-norm",
        epsilon: 1e-5,
        weight: 1,
        bias: 0,
        moments: "two-pass",
        accumulate: "float64",
      },
    ],
    backward: true,
    training: null,
    trainingSteps: 1,
    accumulation: 1,
    algorithms: { allReduce: "ring", allGather: "ring" },
    cluster: {
      name: "dgx-a100",
      gpu: "a100",
      gpusPerNode: 8,
      intra: "nvswitch",
      inter: { kind: "ib-hdr", nicsPerNode: 8, bandwidthBytesPerSecond: 25e9 },
      cpu: "amd",
    },
    faults: [],
    deadlineSeconds: 30,
  });
});

test("a batch normaliser defaults to its own rank, and to PyTorch's momentum", () => {
  const text = minimal.replace("layer-norm", "batch-norm");
  // Oracle: by hand; torch.nn.BatchNorm2d has momentum 0.1.
  expect(parseScenario(text, "x").normalizers).toEqual([
    {
      name: "batch-norm (rank)",
      type: "batch-norm",
      epsilon: 1e-5,
      weight: 1,
      bias: 0,
      moments: "two-pass",
      accumulate: "float64",
      group: "rank",
      implementation: "pytorch",
      momentum: 0.1,
      buffers: "per-rank",
      deferred: false,
    } satisfies NormalizerSpec,
  ]);
});

// Oracle: by hand, from what the schema says each form means.
const forms: [title: string, written: string, path: string, value: unknown][] = [
  ["one number of samples stands for every rank", "mesh: { data: 3 }", "data.samples", [2, 2, 2]],
  ["a list of samples stays", "data: { source: gaussian, samples: [4], channels: 3 }", "data.samples", [4]],
  [
    "one position extent is one axis",
    "data: { source: gaussian, samples: 1, channels: 3, positions: 7 }",
    "data.positions",
    [7],
  ],
  [
    "the longest sequence is as long as the padding",
    "data: { source: sequences, samples: 1, channels: 3, positions: 9 }",
    "data.maxLength",
    9,
  ],
  [
    "null momentum is a cumulative average",
    "normalizers: [{ type: batch-norm, momentum: null }]",
    "normalizers.0.momentum",
    null,
  ],
  [
    "a name is made of the group",
    "normalizers: [{ type: batch-norm, group: 1 }]",
    "normalizers.0.name",
    "batch-norm (1)",
  ],
  [
    "lists of ranks are too long for a name",
    "normalizers: [{ type: batch-renorm, group: [[0, 1]] }]\nmesh: { data: 2 }",
    "normalizers.0.name",
    "batch-renorm (rank lists)",
  ],
  [
    "batch renormalisation has the bounds of its paper, after the warm-up",
    "normalizers: [{ type: batch-renorm }]",
    "normalizers.0",
    {
      name: "batch-renorm (rank)",
      type: "batch-renorm",
      epsilon: 1e-5,
      weight: 1,
      bias: 0,
      moments: "two-pass",
      accumulate: "float64",
      group: "rank",
      implementation: "pytorch",
      momentum: 0.1,
      buffers: "per-rank",
      deferred: false,
      rMax: 3,
      dMax: 5,
    },
  ],
  [
    "RMSNorm leaves its epsilon to the storage type",
    "normalizers: [{ type: rms-norm }]",
    "normalizers.0.epsilon",
    null,
  ],
  ["a deadline has a unit", "deadline: 250ms", "deadlineSeconds", 0.25],
  [
    "an injected fault strikes in the first forward pass",
    "faults: [{ rank: 0, kind: stall }]",
    "faults",
    [{ rank: 0, kind: "stall", trainingStep: 0, phase: "forward" }],
  ],
  ["storage that is given stays", "storage: float64", "storage", "float64"],
  ["payloads travel in the storage", "storage: float64", "payload", "float64"],
  ["a payload that is given stays", "payload: bfloat16", "payload", "bfloat16"],
  ["files decide on the payload", "data: { source: npy, files: [a.npy] }", "payload", "auto"],
  ["files decide on the storage", "data: { source: npy, files: [a.npy] }", "storage", "auto"],
  [
    "a cluster written out is in SI units",
    "cluster: { name: lab, gpu: h100, gpusPerNode: 4, intra: pcie5, inter: { kind: tcp, nicsPerNode: 1, bandwidth: 1250MB/s, stepLatency: 40us } }",
    "cluster.inter",
    { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 1.25e9, stepLatencySeconds: 40e-6 },
  ],
];

for (const [title, written, path, value] of forms) {
  test(`${title}: ${written}`, () => {
    const key = written.slice(0, written.indexOf(":"));
    const others = minimal.split("\n").filter((line) => !line.startsWith(`${key}:`));
    const scenario = parseScenario([...others, written].join("\n"), "x");
    const got = path
      .split(".")
      .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], scenario);
    expect(got).toEqual(value);
  });
}

test("the same scenario in JSON, and with aliases, is the same scenario", () => {
  const json = JSON.stringify({
    name: "minimal",
    data: { source: "gaussian", samples: 2, channels: 3 },
    normalizers: [{ type: "layer-norm" }],
  });
  const aliased = minimal
    .replace("samples: 2, channels: 3", "samples: &two 2, channels: 3")
    .concat("seed: *two\n");
  // Oracle: an invariant of the notation.
  expect(parseScenario(json, "x")).toEqual(parseScenario(minimal, "x"));
  expect(parseScenario(json.replaceAll(",", ",\n\t"), "x")).toEqual(parseScenario(minimal, "x"));
  expect(parseScenario(aliased, "x")).toEqual({ ...parseScenario(minimal, "x"), seed: 2 });
});

describe("each shipped scenario", () => {
  for (const file of shipped) {
    test(`${file} parses, is plain data, names files that exist and tells its story`, () => {
      const text = readShipped(file);
      const scenario = parseScenario(text, file);
      expect(structuredClone(scenario)).toEqual(scenario);
      const { data } = scenario;
      const named =
        data.source === "npy" ? [...data.files, ...(data.gradients ?? []), ...(data.mask ?? [])] : [];
      expect(named.filter((path) => !existsSync(new URL(path, folder)))).toEqual([]);
      expect(text).toMatch(/^# .*\n(#.*\n)*# Source.*\n(#.*\n)*# (.*)Look at: /);
    });
  }

  test("has a name of its own", () => {
    const names = shipped.map((file) => parseScenario(readShipped(file), file).name);
    expect(new Set(names).size).toBe(shipped.length);
    expect(names.length).toBeGreaterThan(0);
  });
});

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly const?: string;
}

test("every key of the JSON Schema is described, and no map takes others", () => {
  const faults: string[] = [];
  const inspect = (schema: JsonSchema, path: string): void => {
    if (schema.properties && schema.additionalProperties !== false) faults.push(`${path} is open`);
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (!property.description) faults.push(`${path}.${key} has no description`);
      inspect(property, `${path}.${key}`);
    }
    for (const form of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) inspect(form, path);
    if (schema.items) inspect(schema.items, `${path}[]`);
  };
  inspect(scenarioJsonSchema() as JsonSchema, "");
  expect(faults).toEqual([]);
});

test("the JSON Schema is of what is written: defaults are optional, and units are text", () => {
  const schema = scenarioJsonSchema() as JsonSchema;
  // Oracle: by hand, the keys without a default.
  expect(schema.required).toEqual(["name", "data", "normalizers"]);
  expect(schema.properties?.deadline).toMatchObject({ type: "string", default: "30s" });
  expect(schema.properties?.data?.oneOf?.map((member) => member.properties?.source?.const)).toEqual([
    "gaussian",
    "heavy-tailed",
    "label-skew",
    "sequences",
    "images",
    "tokens",
    "npy",
    "safetensors",
    "moments",
  ]);
});
