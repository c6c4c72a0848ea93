import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readOnnxGraph } from "../src/cost/import/onnx-graph.ts";
import { onnxLayers } from "../src/cost/import/onnx-layers.ts";
import type { ByteSource } from "../src/cost/import/protobuf.ts";
import { normsim } from "./support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "normsim-"));
afterAll(() => rmSync(folder, { recursive: true }));

const golden = (name: string): string => fileURLToPath(new URL(`golden/import/${name}`, import.meta.url));

interface Expected {
  readonly name: string;
  readonly channels: number;
  readonly positions: number;
}
// Oracle: PyTorch 1.13, forward hooks on the network's modules (test/golden/import.py).
const expected = JSON.parse(readFileSync(golden("expected.json"), "utf8")) as Expected[];

test("an ONNX model's layers are those that PyTorch ran", () => {
  const bytes = readFileSync(golden("network.onnx"));
  const source = {
    byteCount: bytes.length,
    read: (start: number, end: number) => bytes.subarray(start, end),
  };
  const { layers, notes } = onnxLayers(readOnnxGraph(source));
  expect(notes).toEqual([]);
  const byName = new Map(layers.map(({ kind: _, ...layer }) => [layer.name, layer]));
  expect(expected.map(({ name }) => byName.get(name))).toEqual(expected);
  expect(layers.filter(({ kind }) => kind === "batch-norm").map(({ name }) => name)).toEqual(
    expected.map(({ name }) => name).filter((name) => name.startsWith("bn")),
  );
  expect(layers.find(({ name }) => name === "depthwise")?.kind).toBe("depthwise-convolution");
});

test("weights are never read: 2^40 bytes of them cost nothing", () => {
  // A model with a graph of one initializer, whose raw_data is a hole in the source; by hand, protobuf's encoding.
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  const huge = 2 ** 40;
  const raw = [0x4a, ...varint(huge)];
  const tensor = [0x2a, ...varint(raw.length + huge), ...raw];
  const head = Uint8Array.from([0x3a, ...varint(tensor.length + huge), ...tensor]);
  let readBytes = 0;
  const source: ByteSource = {
    byteCount: head.length + huge,
    read(start, end) {
      readBytes += end - start;
      const bytes = new Uint8Array(end - start);
      bytes.set(head.subarray(start, end));
      return bytes;
    },
  };
  expect(readOnnxGraph(source).nodes).toEqual([]);
  expect(readBytes).toBeLessThan(2 ** 16);
});

test("import prints layers that estimate takes, and a scenario that run takes", async () => {
  const imported = await normsim(["import", golden("network.onnx")]);
  expect([imported.code, imported.stderr]).toEqual([0, ""]);
  const file = join(folder, "layers.json");
  writeFileSync(file, imported.stdout);
  const request = ["--cluster", "dgx-a100", "--gpus", "64", "--microbatch", "32"];
  const estimated = await normsim(["estimate", "--model", file, ...request, "--json"]);
  expect(estimated.stderr).toBe("");
  const { model, layers } = JSON.parse(estimated.stdout) as { model: string; layers: object[] };
  expect(model).toBe("network.onnx");
  expect(layers).toMatchObject(
    expected
      .filter(({ name }) => name.startsWith("bn"))
      .map(({ name, channels, positions }) => ({ name, channels, valuesPerRank: 32 * positions })),
  );
  const scenario = await normsim(["import", golden("network.onnx"), "--layer", "bn3", "--gpus", "2"]);
  const run = await normsim(["run", "-", "--json", "--threads", "0", "--quiet"], { input: scenario.stdout });
  expect(JSON.parse(run.stdout)).toMatchObject({
    scenario: { data: { channels: 2, positions: [expected.find(({ name }) => name === "bn3")!.positions] } },
  });
});

test("weights alone give channels; positions and the step are asked for", async () => {
  const { code, stdout, stderr } = await normsim(["import", golden("weights.safetensors")]);
  expect(code).toBe(0);
  expect(stderr).toContain("note: weights do not say how many positions");
  const norms = expected.filter(({ name }) => name.startsWith("bn"));
  const written = JSON.parse(stdout) as { layers: object[] };
  expect(written.layers).toMatchObject(
    norms.map(({ name, channels }) => ({ name, channels, positions: null, parameters: 2 * channels })),
  );
  const file = join(folder, "weights.json");
  const estimate = (text: string, ...more: string[]) => {
    writeFileSync(file, text);
    const request = ["--cluster", "dgx-a100", "--gpus", "8", "--microbatch", "4", ...more];
    return normsim(["estimate", "--model", file, ...request]);
  };
  const unfilled = await estimate(stdout);
  expect([unfilled.code, unfilled.stderr.split("\n").length - 1]).toEqual([2, norms.length]);
  expect(unfilled.stderr).toMatch(
    /weights.json:4:\d+: layers\[0\].positions: expected .*got nothing \(null\)/,
  );
  const filled = stdout.replaceAll('"positions":null', '"positions":49');
  const unmeasured = await estimate(filled);
  expect([unmeasured.code, unmeasured.stderr]).toEqual([
    2,
    expect.stringMatching(/step-time: expected your measured step/),
  ]);
  expect((await estimate(filled, "--step-time", "10ms")).code).toBe(0);
  const layer = ["import", golden("weights.safetensors"), "--layer", "bn2"];
  expect((await normsim(layer)).stderr).toMatch(/expected --positions beside --layer/);
  expect((await normsim([...layer, "--positions", "49"])).stdout).toContain("positions: 49");
});

test.each([
  [["import", "absent.onnx"], /^absent.onnx: no such file/],
  [["import", "test/golden"], /is not a file that can be read in places/],
  [["import", "README.md"], /^README.md: expected an ONNX model, got /],
  [["import", golden("network.onnx"), "--layer", "bn9"], /no batch norm "bn9"; there are bn1, bn2, bn3, bn4/],
  [["import", golden("network.onnx"), "--layer", "bn1", "--gpus", "0"], /mesh.data: /],
])("%j is refused with a sentence", async (args, message) => {
  const { code, stdout, stderr } = await normsim(args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr.replace("normsim: ", "")).toMatch(message);
});
