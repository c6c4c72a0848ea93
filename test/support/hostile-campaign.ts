import { readFileSync } from "node:fs";
import { checkRun } from "../../src/cost/calibration/benchmark-run.ts";
import { readJsonOutput } from "../../src/cost/calibration/json-output.ts";
import { readTextOutput } from "../../src/cost/calibration/text-output.ts";
import { layersText, parseLayers } from "../../src/cost/import/layers-document.ts";
import { readOnnxGraph } from "../../src/cost/import/onnx-graph.ts";
import { onnxLayers } from "../../src/cost/import/onnx-layers.ts";
import { safetensorsLayers } from "../../src/cost/import/safetensors-layers.ts";
import { ScenarioError } from "../../src/errors.ts";
import { parseCluster } from "../../src/scenario/cluster-document.ts";
import { resolveFileSource } from "../../src/scenario/file-source.ts";
import { FormatError } from "../../src/scenario/format-error.ts";
import { parseScenario } from "../../src/scenario/parse.ts";
import { parseSafetensorsHeader } from "../../src/scenario/safetensors-header.ts";
import { drawsFrom, mutate } from "./mutation.ts";
import { textOutput } from "./nccl-tests-output.ts";

// A program: `node hostile-campaign.js <mutants of each file> <seed>` reads mutated files in this process and prints
// one line of JSON. It runs by itself so that its memory is its own.

const [count = 0, seed = 0] = process.argv.slice(2).map(Number);

const file = (path: string): Uint8Array => readFileSync(path);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const onnx = (bytes: Uint8Array) =>
  onnxLayers(readOnnxGraph({ byteCount: bytes.length, read: (start, end) => bytes.slice(start, end) }));
const oneRank = { data: 1, tensor: 1, sequence: 1 };
const npy = (bytes: Uint8Array) =>
  resolveFileSource({ source: "npy", files: ["a"] }, "auto", () => bytes, oneRank);
const safetensors = (bytes: Uint8Array) =>
  resolveFileSource(
    { source: "safetensors", files: ["a"], tensors: { x: "1.x", dy: "1.dy" } },
    "auto",
    () => bytes,
    oneRank,
  );
const moments = (bytes: Uint8Array) =>
  resolveFileSource({ source: "moments", files: ["a"] }, "auto", () => bytes, oneRank);
const printed = textOutput({
  ...{ operation: "all-reduce", device: "NVIDIA A100-SXM4-40GB", nodes: 2, gpusPerNode: 8 },
  rows: [1024, 8192, 65536, 1048576].map((bytes) => ({ bytes, seconds: 1e-5 + bytes / 1e11 })),
});
const row = (size: number) => ({
  size,
  out_of_place: { time: 12.5, alg_bw: size / 12500, bus_bw: size / 12500 },
});
const jsonOutput = JSON.stringify({
  ...{ args: ["all_reduce_perf"], nccl_version: 22602, results: [1024, 8192, 65536, 1048576].map(row) },
  config: {
    ngpus: 1,
    nthreads: 1,
    devices: [0, 1].map((i) => ({ hostname: `n${i}`, device_info: "A100-SXM" })),
  },
});

interface Format {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => unknown;
}

const formats: readonly Format[] = [
  {
    name: "scenario",
    seeds: ["quickstart", "implementations", "train-label-skew", "from-npy"].map((it) =>
      file(`scenarios/${it}.yaml`),
    ),
    read: (bytes) => parseScenario(decode(bytes), "a"),
  },
  {
    name: "cluster",
    seeds: [
      encode(
        "preset: dgx-a100\nname: mine\ngpusPerNode: 4\ninter: { kind: ib-hdr, nicsPerNode: 4, bandwidth: 25GB/s }\n",
      ),
    ],
    read: (bytes) => parseCluster(decode(bytes), "a"),
  },
  {
    name: "layers",
    seeds: [encode(layersText("a", onnx(file("test/golden/import/network.onnx"))))],
    read: (bytes) => parseLayers(decode(bytes), "a"),
  },
  {
    name: "npy",
    seeds: ["float32-3-axes", "fortran-float16", "float64-2-axes"].map((it) =>
      file(`test/golden/npy/${it}.npy`),
    ),
    read: npy,
  },
  { name: "safetensors", seeds: [file("test/golden/recorded/rank0.safetensors")], read: safetensors },
  { name: "moments", seeds: [file("test/golden/recorded/rank0.jsonl")], read: moments },
  {
    name: "safetensors weights",
    seeds: [file("test/golden/import/weights.safetensors")],
    read: (bytes) => safetensorsLayers(parseSafetensorsHeader(bytes, bytes.length)),
  },
  { name: "onnx", seeds: [file("test/golden/import/network.onnx")], read: onnx },
  {
    name: "nccl-tests text",
    seeds: [encode(printed)],
    read: (bytes) => checkRun(readTextOutput(decode(bytes), "a")),
  },
  {
    name: "nccl-tests JSON",
    seeds: [encode(jsonOutput)],
    read: (bytes) => checkRun(readJsonOutput(decode(bytes), "a")),
  },
];

/** Sentences a person can read in a terminal. */
const isClear = (message: string): boolean =>
  message.length > 0 && message.length < 50_000 && !/^\s+at /m.test(message) && !/[^\P{Cc}\n]/u.test(message);

const results = formats.map(({ name, seeds, read }, index) => {
  const draw = drawsFrom(seed + index);
  let [accepted, refused, slowestCpuSeconds] = [0, 0, 0];
  const failures: string[] = [];
  for (const original of seeds) read(original);
  for (let i = 0; i < count; i++) {
    const mutant = mutate(seeds[i % seeds.length]!, draw);
    const before = process.cpuUsage();
    try {
      read(mutant);
      accepted++;
    } catch (error) {
      refused++;
      const isMeant = error instanceof ScenarioError || error instanceof FormatError;
      if (!isMeant || !isClear(error.message))
        failures.push(
          `mutant ${i}: ${error instanceof Error ? (isMeant ? error.message : error.stack) : error}`,
        );
    }
    const { user, system } = process.cpuUsage(before);
    slowestCpuSeconds = Math.max(slowestCpuSeconds, (user + system) / 1e6);
  }
  return { name, accepted, refused, slowestCpuSeconds, failures: failures.slice(0, 5) };
});
process.stdout.write(`${JSON.stringify({ results, memoryBytes: process.resourceUsage().maxRSS * 1024 })}\n`);
