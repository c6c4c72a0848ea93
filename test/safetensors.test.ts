import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Fault, formatFault, ScenarioError } from "../src/errors.ts";
import type { SafetensorsSource } from "../src/scenario/data-source.ts";
import { resolveFileSource } from "../src/scenario/file-source.ts";
import { parseSafetensorsHeader } from "../src/scenario/safetensors-header.ts";
import { simulate } from "../src/simulate.ts";
import { safetensorsBytes, safetensorsFile } from "./support/safetensors-file.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { faultsOf, written } from "./support/scenario-text.ts";

type Files = Readonly<Record<string, Uint8Array>>;

const recorded = (name: string): Buffer => readFileSync(new URL(`golden/recorded/${name}`, import.meta.url));
const recordedJson = (name: string) => JSON.parse(recorded(name).toString());

function resolve(files: Files, source: Omit<SafetensorsSource, "source">, ranks: number) {
  const missing = (file: string): Fault => ({ file, path: "", message: "no such file" });
  const mesh = { data: ranks, tensor: 1, sequence: 1 };
  return resolveFileSource(
    { source: "safetensors", ...source },
    "auto",
    (path) => files[path] ?? missing(path),
    mesh,
  );
}

function faultsIn(files: Files, source: Omit<SafetensorsSource, "source">, ranks: number): string[] {
  try {
    resolve(files, source, ranks);
  } catch (error) {
    if (error instanceof ScenarioError) return error.faults.map(formatFault);
    throw error;
  }
  return [];
}

/** Float32 values of y and dx, on the oracle's float64: a few roundings of numbers below 4. */
const tolerance = 2e-6;

test("SyncBN of what the recorder saved is PyTorch's batch norm of all of it", async () => {
  // Oracle: PyTorch 1.13, test/golden/recorded.py.
  const files = ["rank0.safetensors", "rank1.safetensors"];
  const data = { source: "safetensors" as const, files, tensors: { x: "1.x", dy: "1.dy" } };
  const batches = resolve(Object.fromEntries(files.map((file) => [file, recorded(file)])), data, 2);
  expect(batches).toMatchObject({
    samples: [2, 3],
    channels: 4,
    positionExtents: [3, 2],
    storage: "float32",
  });
  const scenario = scenarioFrom({
    mesh: { data: 2 },
    data,
    normalizers: [{ name: "SyncBN", type: "batch-norm", group: "world" }],
  });
  const got: { y: number[]; dx: number[] } = { y: [], dx: [] };
  await simulate(scenario, {
    batches,
    onPass: ({ ranks }) => {
      for (const { y, dx } of ranks) {
        got.y.push(...y);
        got.dx.push(...(dx ?? []));
      }
    },
  });
  const want = recordedJson("expected.json") as typeof got;
  for (const key of ["y", "dx"] as const) {
    expect(got[key].length).toBe(want[key].length);
    for (const [i, value] of want[key].entries())
      expect(Math.abs(got[key][i]! - value), `${key}[${i}]`).toBeLessThan(tolerance);
  }
});

test.each(["float64", "float32", "float16", "bfloat16"])("%s means what PyTorch says it means", (name) => {
  const files = { "types.safetensors": recorded("types.safetensors") };
  const { x, storage } = resolve(files, { files: ["types.safetensors"], tensors: { x: name } }, 1);
  expect([...x[0]!]).toEqual(recordedJson("types.json")[name]);
  expect(storage).toBe(name === "float64" ? "float64" : "float32");
});

const two = {
  "both.safetensors": safetensorsFile({
    "rank0.x": { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
    "rank1.x": { shape: [1, 3], values: [7, 8, 9] },
    "rank0.mask": { shape: [2], values: [1, 0] },
    "rank1.mask": { shape: [1], values: [1] },
  }),
};

test("one file holds a tensor of each rank where the name has {rank}", () => {
  // Oracle: hand.
  const tensors = { x: "rank{rank}.x", mask: "rank{rank}.mask" };
  expect(resolve(two, { files: ["both.safetensors"], tensors }, 2)).toMatchObject({
    samples: [2, 1],
    x: [Float32Array.of(1, 2, 3, 0, 0, 0), Float32Array.of(7, 8, 9)],
    mask: [Uint8Array.of(1, 0), Uint8Array.of(1)],
  });
});

test("every tensor's faults are told at once, under the file's name and its own", () => {
  const files = { ...two, "cut.safetensors": two["both.safetensors"].subarray(0, 40) };
  const source = { files: ["both.safetensors", "cut.safetensors"], tensors: { x: "rank0.y", dy: "rank1.x" } };
  expect(faultsIn(files, source, 2)).toEqual([
    expect.stringMatching(/^cut.safetensors: got a header of \d+ bytes: expected a safetensors file, whose/),
    'both.safetensors#rank0.y: no such tensor; the file has "rank0.x", "rank1.x", "rank0.mask", "rank1.mask"; did you mean "rank0.x"?',
  ]);
});

test("a file for all ranks without {rank} in the name is a fault of the scenario", () => {
  const text = written({
    4: "  source: safetensors",
    5: "  files: [a.safetensors]",
    6: "  tensors: { x: x }",
  });
  expect(faultsOf(text)).toEqual([
    expect.stringMatching(/^6:17: data.tensors.x: expected \{rank\} in the name/),
  ]);
});

const entry = (start: number, end: number, shape: unknown = [1], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

// Oracle: the format's own rules, https://github.com/huggingface/safetensors#format.
test.each<[string, unknown, number, RegExp]>([
  [
    "a gap between tensors",
    { a: entry(0, 4), b: entry(8, 12) },
    12,
    /starts at byte 8 of the data: expected 4/,
  ],
  ["an overlap", { a: entry(0, 8, [2]), b: entry(4, 8) }, 8, /starts at byte 4 of the data: expected 8/],
  ["bytes behind the last", { a: entry(0, 4) }, 5, /end at byte 4 of the data: expected 5/],
  ["offsets behind the end", { a: entry(0, 4) }, 3, /end at byte 4 of the data: expected 3/],
  ["a shape of other bytes", { a: entry(0, 4, [2]) }, 4, /expected 8 bytes for shape \[2\] of F32, got 4/],
  ["a shape whose product overflows", { a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4, /expected 4.8.*e\+24 bytes/],
  ["a negative offset", { a: entry(-4, 0) }, 0, /expected two data_offsets/],
  ["offsets that go back", { a: entry(4, 0, [0]) }, 4, /expected 0 bytes .* got -4/],
  ["a fraction in the shape", { a: entry(0, 4, [0.5]) }, 4, /expected a shape/],
  ["an unknown type", { a: entry(0, 4, [1], "F80") }, 4, /expected a dtype such as F32, got ""F80""/],
  ["an unknown key", { a: { ...entry(0, 4), more: 1 } }, 4, /the key "more" is unknown/],
  ["a list", [], 0, /not a map/],
  ["nesting", { a: [[[[]]]] }, 0, /nested deeper than 3 levels/],
  ["a tensor that is a number", { a: 1 }, 0, /expected a dtype/],
])("%s is refused", (_, header, dataBytes, message) => {
  const bytes = safetensorsBytes(JSON.stringify(header), new Uint8Array(dataBytes));
  expect(() => parseSafetensorsHeader(bytes, bytes.length)).toThrow(message);
});

test("a header may have metadata, names beyond ASCII and brackets in them, and padding", () => {
  const header = `{"__metadata__":{"format":"pt"},"gewölbe[[[[\\"[":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}   `;
  const bytes = safetensorsBytes(header, Uint8Array.of(7));
  const start = bytes.length - 1;
  expect([...parseSafetensorsHeader(bytes, bytes.length)]).toEqual([
    ['gewölbe[[[["[', { dtype: "U8", shape: [], start, end: start + 1 }],
  ]);
});
