import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatFault, ScenarioError } from "../src/errors.ts";
import type { Report } from "../src/report/report.ts";
import { resolveFileSource } from "../src/scenario/file-source.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { normsim } from "./support/command.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { faultsOf } from "./support/scenario-text.ts";

const recorded = (name: string): string =>
  readFileSync(new URL(`golden/recorded/${name}`, import.meta.url), "utf8");
const jsonl = [recorded("rank0.jsonl"), recorded("rank1.jsonl")];
const oneEach = { data: 2, tensor: 1, sequence: 1 };
const world = { name: "SyncBN", type: "batch-norm", group: "world" };

function resolve(texts: readonly string[], layer?: string) {
  const files = texts.map((_, index) => `${index}.jsonl`);
  const data = { source: "moments" as const, files, ...(layer !== undefined && { layer }) };
  const read = (path: string) => new TextEncoder().encode(texts[files.indexOf(path)]);
  return { data, batches: resolveFileSource(data, "auto", read, oneEach) };
}

async function run(texts: readonly string[], fields: Record<string, unknown>, layer?: string) {
  const { data, batches } = resolve(texts, layer);
  const scenario = scenarioFrom({ mesh: { data: 2 }, data, backward: false, ...fields });
  return await simulate(scenario, { batches });
}

/** Values of y round to float32 where there are any: unit roundoff of numbers below 4, and of their squares. */
const yTolerance = 1e-6;

test("moments alone give the report of the activations they were taken of, but for the rounding of y", async () => {
  // Oracle: the engine on x, recorded on the same two ranks at step 1 (test/golden/recorded.py, PyTorch 1.13).
  const normalizers = [
    { name: "local", type: "batch-norm", group: "rank", weight: [1, 2, 3, 4], bias: [0, -1, 5, 100] },
    ...["pytorch", "apex", "horovod", "keras"].map((implementation) => ({
      ...world,
      name: implementation,
      implementation,
    })),
    { name: "renorm", type: "batch-renorm", group: "world", rMax: 1.5 },
    { name: "PN", type: "power-norm", group: "world" },
    { name: "MABN", type: "mabn", window: 2, warmUp: 0, renormAfter: 0 },
  ];
  const files = ["rank0.safetensors", "rank1.safetensors"];
  const data = { source: "safetensors" as const, files, tensors: { x: "1.x" } };
  const read = (path: string) => readFileSync(new URL(`golden/recorded/${path}`, import.meta.url));
  const fields = { mesh: { data: 2 }, backward: false, normalizers };
  const batches = resolveFileSource(data, "auto", read, oneEach);
  const want = await simulate(scenarioFrom({ ...fields, data }), { batches });
  const got = await run(
    jsonl.map((text) => text.split("\n")[1]!),
    fields,
  );
  for (const [index, normalizer] of want.normalizers.entries()) {
    const { divergence, perRank, communication } = got.normalizers[index]!;
    expect(communication).toEqual(normalizer.communication);
    expect(perRank.map(({ values }) => values)).toEqual([12, 18]);
    for (const [metric, { mean, max }] of Object.entries(normalizer.divergence)) {
      const own = divergence[metric as keyof typeof divergence];
      if (mean === null) expect(own.mean, metric).toBeNull();
      else {
        expectClose([own.mean!], [mean], yTolerance, yTolerance, metric);
        expectClose([own.max!], [max!], yTolerance, yTolerance, metric);
      }
    }
    expect(normalizer.divergence.outputMse.mean).not.toBeNull();
  }
});

test("synchronised statistics of moments are those that PyTorch has over all ranks", async () => {
  // Oracle: PyTorch 1.13 in float64 over both ranks' x, test/golden/recorded.py. Payloads travel in float32.
  const { mean, variance } = JSON.parse(recorded("expected.json")) as Record<"mean" | "variance", number[]>;
  const { data, batches } = resolve(jsonl.map((text) => text.split("\n")[1]!));
  const scenario = scenarioFrom({ mesh: { data: 2 }, data, backward: false, normalizers: [world] });
  await simulate(scenario, {
    batches,
    onPass({ ranks }) {
      for (const { used } of ranks)
        for (const [c, m] of mean.entries()) {
          expectClose([used.mean[c]!], [m], 2 ** -22, 2 ** -24);
          expectClose([used.m2[c]! / used.count[c]!], [variance[c]!], 2 ** -20, 0);
        }
    },
  });
});

const line = (step: number, rank: number, count: number, mean: number[], m2: number[], layer = "bn") =>
  JSON.stringify({ step, rank, layer, count, mean, m2 });

test("later steps are what running statistics are judged on", async () => {
  // Oracle: hand. Rank 0 tracks 0.1 of means 10 and 20: 0.9·1 + 0.1·20 = 2.9; held out are mean 5 and variance 4.
  const texts = [0, 1].map((rank) =>
    [line(3, rank, 4, [10], [12]), line(4, rank, 4, [20], [12]), line(9, rank, 8, [5], [32])].join("\n"),
  );
  const local = { name: "local", type: "batch-norm", group: "rank" };
  const report = await run(texts, { normalizers: [local], trainingSteps: 2, evaluation: { batches: 1 } });
  const { meanLag, outputVariance } = report.normalizers[0]!.runningStatistics!;
  expectClose([meanLag.mean!], [(5 - 2.9) / 2], 1e-12, 0);
  // Unbiased variance 12/3 = 4: 0.9·(0.9·1 + 0.4) + 0.4.
  expectClose([outputVariance.mean!], [4 / (0.9 * 1.3 + 0.4 + 1e-5)], 1e-12, 0);
  expect(report.normalizers[0]!.perRank[0]!.values).toBe(4);
});

test("counts may differ between ranks and steps, and a rank may be empty; the layer decides", async () => {
  const texts = [
    [line(0, 0, 3, [1], [2]), line(0, 0, 3, [7], [2], "other"), line(1, 0, 5, [1], [2])].join("\n"),
    [line(0, 1, 1, [5], [0]), line(0, 1, 9, [7], [2], "other"), line(1, 1, 0, [0], [0])].join("\n"),
  ];
  const gap = ({ normalizers }: Report): number => normalizers[0]!.divergence.meanGap.max!;
  const normalizers = [{ name: "local", type: "batch-norm", group: "rank" }, world];
  const first = await run(texts, { normalizers }, "bn");
  // Oracle: hand. The whole batch is 3 values of mean 1 and one of 5: mean 2, m2 2 + 12, variance 3.5.
  expectClose([gap(first)], [3 / Math.sqrt(3.5)], 1e-12, 0);
  expect(first.normalizers[0]!.perRank.map(({ values }) => values)).toEqual([3, 1]);
  const both = await run(texts, { normalizers, trainingSteps: 2 }, "bn");
  expect(both.normalizers[1]!.perRank.map(({ values }) => values)).toEqual([5, 0]);
  expect(both.normalizers[1]!.divergence.outputMse.max).toBeLessThan(1e-10);
  await expect(run(texts, { normalizers, trainingSteps: 3 }, "bn")).rejects.toThrow(
    /at least 3 steps.*got 2/,
  );
});

const good = line(0, 0, 3, [1], [2]);
test.each<[string, string, RegExp]>([
  ["no JSON", "{", /1\.jsonl:1: the line is not JSON: expected \{"step", "rank"/],
  ["NaN, as Python writes it", good.replace("[1]", "[NaN]"), /1: the line is not JSON/],
  ["a list", "[1]", /the line is not a map/],
  ["depth", '{"mean":[[1]]}', /nested deeper than 2/],
  ["a mistyped key", good.replace("m2", "m_2"), /the key "m_2" is unknown/],
  ["half a value", good.replace(":3", ":2.5"), /expected a whole number as count, got "2.5"/],
  ["a negative square", line(0, 1, 3, [1], [-2]), /m2\[0\]: expected a sum of squares, got -2/],
  ["spread of one value", line(0, 1, 1, [1], [2]), /expected an m2 of zeros where count is 1/],
  ["a mean of nothing", line(0, 1, 0, [1], [0]), /expected a mean of zeros/],
  ["unlike lists", line(0, 1, 3, [1, 2], [2]), /got 2 and 1/],
  ["other channels", line(0, 1, 3, [1, 2], [2, 2]), /expected 1 channels.*got 2/],
  ["an unknown rank", line(0, 2, 3, [1], [2]), /less than the 2 ranks.*got rank 2/],
  ["a line twice", good, /got step 0 of rank 0 twice/],
  ["a rank that is missing", "", /step 0 has none of rank 1/],
  ["two layers", line(0, 1, 3, [1], [2], "bn2"), /expected data\.layer.*"bn" and "bn2"/],
])("%s is refused", (_, text, pattern) => {
  let message = "";
  try {
    resolve([good, text]);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    message = error.faults.map(formatFault).join("\n");
  }
  expect(message).toMatch(pattern);
});

test("a layer that is not there is named with what it may have been", () => {
  expect(() => resolve([good], "bm")).toThrow(/expected lines of "bm", got "bn"; did you mean "bn"\?/);
});

test("what needs x or dy is refused by name, all at once", () => {
  const text = `name: moments
mesh: { data: 2, tensor: 2 }
data: { source: moments, files: [a.jsonl] }
storage: bfloat16
normalizers:
  - { name: a, type: layer-norm }
  - { name: b, type: batch-norm, virtualBatch: 2 }
  - { name: c, type: batch-norm, moments: welford }
  - { name: d, type: batch-norm, accumulate: float32 }
faults: [{ rank: 0, kind: nan }]
`;
  expect(faultsOf(text).map((fault) => fault.replace(/^[\d:]+ /, ""))).toEqual([
    // By default it goes backward.
    "backward: expected false beside source: moments, which say nothing of dy, got true",
    "mesh.tensor: expected 1: moments are of whole channels on data ranks, got 2",
    "storage: expected float32 or float64: without x nothing is rounded to bfloat16",
    "normalizers[0].type: expected one of batch-norm, batch-renorm, power-norm, mabn: layer-norm needs x, not its moments",
    "normalizers[1].virtualBatch: expected none: moments are of all samples of a rank",
    "normalizers[2].moments: expected two-pass: welford needs x, not its moments",
    "normalizers[3].accumulate: expected float64: float32 needs x, not its moments",
    "faults[0].kind: expected a fault of a rank: moments hold no single value",
  ]);
});

test("an implementation that weighs ranks by samples is refused", async () => {
  const normalizers = [{ ...world, implementation: "detectron2-n" }];
  await expect(run(jsonl, { normalizers })).rejects.toThrow(/normalizers\[0\]\.implementation.*detectron2-n/);
});

test("the command line runs a scenario of moments, and says what they do not tell", async () => {
  const scenario = fileURLToPath(new URL("golden/recorded/moments.yaml", import.meta.url));
  const { code, stdout, stderr } = await normsim(["run", scenario, "--quiet", "--json", "--threads", "0"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect((JSON.parse(stdout) as Report).normalizers.map(({ name }) => name)).toEqual(["local", "SyncBN"]);
  const shown = await normsim(["run", scenario, "--threads", "0"]);
  expect(shown.stdout).toContain("note: from moments alone");
  const dump = await normsim(["run", scenario, "--dump", "/dev/null/x"]);
  expect([dump.code, dump.stderr]).toEqual([2, expect.stringMatching(/data\.source: expected activations/)]);
});
