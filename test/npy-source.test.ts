import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Fault, formatFault, ScenarioError } from "../src/errors.ts";
import type { NpySource } from "../src/scenario/data-source.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { type NpyBatches, resolveNpySource } from "../src/scenario/npy-source.ts";
import type { Storage } from "../src/scenario/scenario.ts";

// Oracle: hand. What a file holds is what the arrays hold, and each fault is put there on purpose.

type Files = Record<string, Uint8Array>;

function narrow(shape: number[], values = counting(shape)): Uint8Array {
  return encodeNpy(Float32Array.from(values), shape);
}

function wide(shape: number[], values = counting(shape)): Uint8Array {
  return encodeNpy(Float64Array.from(values), shape);
}

function counting(shape: number[]): number[] {
  return Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) => i + 1);
}

function golden(name: string): Uint8Array {
  return readFileSync(new URL(`golden/npy/${name}.npy`, import.meta.url));
}

function resolve(
  files: Files,
  lists: Omit<NpySource, "source">,
  storage: Storage | "auto" = "auto",
): NpyBatches {
  const missing = (file: string): Fault => ({ file, path: "", message: "no such file" });
  return resolveNpySource({ source: "npy", ...lists }, storage, (path) => files[path] ?? missing(path));
}

function faultsOf(
  files: Files,
  lists: Omit<NpySource, "source">,
  storage: Storage | "auto" = "auto",
): string[] {
  try {
    resolve(files, lists, storage);
  } catch (error) {
    if (error instanceof ScenarioError) return error.faults.map(formatFault);
    throw error;
  }
  return [];
}

const x = ["x0.npy", "x1.npy"];
const dy = ["dy0.npy", "dy1.npy"];
const mask = ["mask0.npy", "mask1.npy"];

describe("shapes", () => {
  test("ranks may hold different numbers of samples, and none", () => {
    const batches = resolve({ "x0.npy": narrow([2, 3, 2, 2]), "x1.npy": narrow([0, 3, 2, 2]) }, { files: x });
    expect(batches).toEqual({
      samples: [2, 0],
      channels: 3,
      positionExtents: [2, 2],
      storage: "float32",
      x: [Float32Array.from(counting([24])), new Float32Array(0)],
      dy: null,
      mask: null,
    });
  });

  test.each([
    [[4], 1, []],
    [[4, 3], 3, []],
    [[4, 3, 5], 3, [5]],
    [[1, 2, 3, 4, 5], 2, [3, 4, 5]],
  ])("%j is samples, channels and positions", (shape, channels, positionExtents) => {
    expect(resolve({ a: narrow(shape) }, { files: ["a"] })).toMatchObject({
      samples: [shape[0]],
      channels,
      positionExtents,
    });
  });

  test("[N] goes with [N, 1]", () => {
    expect(resolve({ a: narrow([2]), b: narrow([3, 1]) }, { files: ["a", "b"] })).toMatchObject({
      samples: [2, 3],
      channels: 1,
      positionExtents: [],
    });
  });

  test("an array saved in Fortran order means the same as in C order", () => {
    const saved = resolve(
      { a: golden("fortran-3-axes"), b: golden("float32-3-axes") },
      { files: ["a", "b"] },
    );
    expect(saved.x[0]).toEqual(saved.x[1]);
  });
});

describe("storage", () => {
  const files = { n: narrow([2]), w: wide([2]), h: golden("fortran-float16"), n2: narrow([3, 2]) };

  test.each([
    [["n", "n"], "auto", "float32"],
    [["n", "w"], "auto", "float64"],
    [["h", "n2"], "auto", "float32"],
    [["h", "h"], "auto", "float32"],
    [["n", "n"], "float64", "float64"],
    [["n", "w"], "float32", "float32"],
  ] as const)("files %j with storage %s are held in %s", (names, wanted, storage) => {
    const batches = resolve(files, { files: names }, wanted);
    expect(batches.storage).toBe(storage);
    const kind = storage === "float32" ? Float32Array : Float64Array;
    for (const values of batches.x) expect(values).toBeInstanceOf(kind);
  });

  test("a gradient in float64 makes x float64 too", () => {
    const batches = resolve(files, { files: ["n"], gradients: ["w"] });
    expect(batches.x[0]).toEqual(Float64Array.of(1, 2));
    expect(batches.dy![0]).toEqual(Float64Array.of(1, 2));
  });

  test("a number that float32 cannot hold is refused where float32 is wanted", () => {
    const big = { a: wide([2], [1, -1e39]) };
    expect(resolve(big, { files: ["a"] }).x[0]![1]).toBe(-1e39);
    expect(faultsOf(big, { files: ["a"] }, "float32")).toEqual([
      "a: [1] is -1e+39, infinite in float32: expected finite numbers",
    ]);
  });
});

describe("masks", () => {
  const files = {
    "x0.npy": narrow([2, 2, 3]),
    "x1.npy": narrow([0, 2, 3]),
    "dy0.npy": narrow([2, 2, 3]),
    "dy1.npy": narrow([0, 2, 3]),
    "mask0.npy": golden("bool"),
    "mask1.npy": narrow([0, 3]),
  };

  test("any nonzero number is valid, and x and dy are 0 where it is zero", () => {
    const batches = resolve(files, { files: x, gradients: dy, mask });
    expect(batches.mask).toEqual([Uint8Array.of(1, 0, 1, 0, 0, 1), new Uint8Array(0)]);
    const want = Float32Array.of(1, 0, 3, 4, 0, 6, 0, 0, 9, 0, 0, 12);
    expect(batches.x[0]).toEqual(want);
    expect(batches.dy![0]).toEqual(want);
    const numbers = { ...files, "mask0.npy": wide([2, 3], [2, 0, -1, -0, 0, 0.5]) };
    expect(resolve(numbers, { files: x, mask }).mask).toEqual(batches.mask);
  });

  test("without positions the mask has one value per sample", () => {
    const batches = resolve({ a: narrow([3, 2]), m: wide([3], [0, 1, 0]) }, { files: ["a"], mask: ["m"] });
    expect(batches.x[0]).toEqual(Float32Array.of(0, 0, 3, 4, 0, 0));
  });

  test("what lies under a mask may be NaN; what does not may not", () => {
    const values = (at: number) => counting([12]).map((value, i) => (i === at ? Number.NaN : value));
    // Element 7 is sample 1, channel 0, position 1, which is not valid; element 8 is.
    const hidden = {
      ...files,
      "x0.npy": narrow([2, 2, 3], values(7)),
      "dy0.npy": narrow([2, 2, 3], values(7)),
    };
    expect(resolve(hidden, { files: x, gradients: dy, mask }).x[0]![7]).toBe(0);
    expect(faultsOf({ ...files, "x0.npy": narrow([2, 2, 3], values(8)) }, { files: x, mask })).toEqual([
      "x0.npy: [1, 0, 2] is NaN: expected finite numbers",
    ]);
  });
});

describe("faults", () => {
  const sound = {
    "x0.npy": narrow([2, 3]),
    "x1.npy": narrow([1, 3]),
    "dy0.npy": narrow([2, 3]),
    "dy1.npy": narrow([1, 3]),
  };

  test.each([
    ["NaN", [1, 2, 3, 4, Number.NaN, 6], "[1, 1] is NaN: expected finite numbers"],
    ["infinity", [1, 2, -Infinity, 4, Infinity, 6], "[0, 2] is -Infinity: expected finite numbers"],
  ])("%s is refused in x and in dy, with the first index", (_, values, message) => {
    expect(faultsOf({ ...sound, "x0.npy": narrow([2, 3], values) }, { files: x })).toEqual([
      `x0.npy: ${message}`,
    ]);
    const gradients = { ...sound, "dy0.npy": narrow([2, 3], values) };
    expect(faultsOf(gradients, { files: x, gradients: dy })).toEqual([`dy0.npy: ${message}`]);
  });

  test("whole numbers are refused as activations", () => {
    expect(faultsOf({ a: golden("int64") }, { files: ["a"] })).toEqual([
      'a: expected float16, float32 or float64, got int64: save it with array.astype("<f4")',
    ]);
  });

  test.each([[[2, 0]], [[2, 3, 0]]])("%j has no channels or positions and is refused", (shape) => {
    expect(faultsOf({ a: narrow(shape) }, { files: ["a"] })).toEqual([
      `a: expected at least 1 channel and 1 position, got shape [${shape.join(", ")}]`,
    ]);
  });

  test("a world without samples is refused", () => {
    expect(faultsOf({ a: narrow([0, 3]), b: narrow([0, 3]) }, { files: ["a", "b"] })).toEqual([
      "a: expected samples on at least one rank, got 0 on every rank",
    ]);
  });

  test("the faults of all files are told at once, in the order of the scenario", () => {
    const files: Files = {
      "ok.npy": narrow([2, 3, 2]),
      "channels.npy": narrow([2, 4, 2]),
      "axes.npy": narrow([2, 3]),
      "short.npy": narrow([2, 3, 2]).subarray(0, 170),
      "nan.npy": narrow([1, 3, 2], [1, 2, 3, 4, 5, Number.NaN]),
      "objects.npy": golden("refused-objects"),
      "flat.npy": narrow([2, 6]),
      "ints.npy": golden("int32"),
      "mask-ok.npy": narrow([2, 2]),
      "mask-nan.npy": narrow([2, 2], [1, 0, 1, Number.NaN]),
      "mask-like-x.npy": narrow([1, 3, 2]),
    };
    const lists = {
      files: ["ok.npy", "channels.npy", "axes.npy", "short.npy", "absent.npy", "nan.npy"],
      gradients: ["flat.npy", "objects.npy", "ints.npy", "ok.npy", "nan.npy", "nan.npy"],
    };
    const mask = [
      "mask-ok.npy",
      "mask-nan.npy",
      "mask-ok.npy",
      "mask-ok.npy",
      "mask-ok.npy",
      "mask-like-x.npy",
    ];
    const ofFiles = [
      "channels.npy: expected [N, 3, 2] as in ok.npy, got [N, 4, 2]",
      "axes.npy: expected [N, 3, 2] as in ok.npy, got [N, 3]",
      "short.npy: the file is truncated: expected 48 bytes for shape (2, 3, 2) of float32, got 42",
      "absent.npy: no such file",
    ];
    const ofGradients = [
      "flat.npy: expected shape [2, 3, 2] to go with ok.npy, got [2, 6]",
      expect.stringMatching(/^objects.npy: got dtype "\|O"/),
      expect.stringMatching(/^ints.npy: expected float16, float32 or float64, got int32/),
    ];
    const nan = "nan.npy: [0, 2, 1] is NaN: expected finite numbers";
    expect(faultsOf(files, lists)).toEqual([...ofFiles, nan, nan, nan, ...ofGradients]);
    // With masks that cannot be used nobody knows whether the NaN counts.
    expect(faultsOf(files, { ...lists, mask })).toEqual([
      ...ofFiles,
      ...ofGradients,
      "mask-nan.npy: [1, 1] is NaN: expected zero or nonzero",
      "mask-like-x.npy: expected shape [1, 2] to go with nan.npy, got [1, 3, 2]",
    ]);
  });

  test("an error that is not about the file is not taken for a fault", () => {
    const bytes = Object.assign(narrow([2]), {
      subarray: () => {
        throw new TypeError("broken");
      },
    });
    const broken = () => resolve({ a: bytes }, { files: ["a"] });
    expect(broken).toThrow(TypeError);
  });
});
