import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Axis, type Extent, indexSetsOf } from "../src/kernels/index-sets.ts";
import type { FloatArray, Kernels } from "../src/kernels/kernels.ts";
import { scalarKernels } from "../src/kernels/scalar.ts";
import { countValues } from "../src/kernels/set-counts.ts";
import { createKernelMemory, createWasmKernels, descriptionBytes } from "../src/kernels/wasm.ts";
import { drawNormals } from "../src/scenario/random.ts";
import { streamState } from "../src/scenario/stream-state.ts";

// Oracle: the scalar reference. Equality is bit for bit: both sum in the lanes that IndexSets documents.

/** Axes, and blocks of channels where there are several. */
const reductions: readonly (readonly [readonly Axis[], number?])[] = [
  [["samples", "positions"]],
  [["channels"]],
  [["positions"]],
  [["channels", "positions"]],
  [["channels", "positions"], 2],
  [["channels", "positions"], 3],
  [["channels"], 3],
  [["samples", "positions"], 2],
  [["samples", "channels", "positions"]],
  [[]],
];

interface Arrays {
  readonly x: FloatArray;
  readonly dy: FloatArray;
  readonly y: FloatArray;
  readonly dx: FloatArray;
  readonly mask: Uint8Array;
  doubles(length: number): Float64Array;
}

function allocator(buffer: ArrayBufferLike, start: number): (bytes: number) => number {
  let next = start;
  return (bytes) => {
    const at = next;
    next += Math.ceil(bytes / 16) * 16;
    if (next > buffer.byteLength) throw new Error("test memory is too small");
    return at;
  };
}

function arraysIn(buffer: ArrayBufferLike, start: number, storage: 32 | 64, extent: Extent): Arrays {
  const allocate = allocator(buffer, start);
  const count = extent.samples * extent.channels * extent.positions;
  const floats = (): FloatArray =>
    storage === 32
      ? new Float32Array(buffer, allocate(count * 4), count)
      : new Float64Array(buffer, allocate(count * 8), count);
  const tokens = extent.samples * extent.positions;
  return {
    x: floats(),
    dy: floats(),
    y: floats(),
    dx: floats(),
    mask: new Uint8Array(buffer, allocate(tokens), tokens),
    doubles: (length) => new Float64Array(buffer, allocate(length * 8), length),
  };
}

/** What is added to element i. */
type Offset = (i: number) => number;

/** Every kernel on the same deterministic data; returns all outputs. */
function runAll(
  kernels: Kernels,
  extent: Extent,
  [reduces, groups = 1]: (typeof reductions)[number],
  masked: boolean,
  a: Arrays,
  offset: Offset = () => 0,
): number[][] {
  const wave = (i: number, k: number): number => Math.sin(i * 12.9898 + k * 78.233) * 43.5 + k;
  for (let i = 0; i < a.x.length; i++) {
    a.x[i] = wave(i, 1) + offset(i);
    a.dy[i] = wave(i, 2);
  }
  for (let i = 0; i < a.mask.length; i++) a.mask[i] = wave(i, 3) > -20 ? 1 : 0;
  const sets = indexSetsOf(extent, reduces, groups);
  const fill = (target: Float64Array, k: number): Float64Array => {
    for (let i = 0; i < target.length; i++) target[i] = wave(i, k);
    return target;
  };
  const set = (k: number): Float64Array => fill(a.doubles(sets.setCount), k);
  const channel = (k: number): Float64Array => fill(a.doubles(extent.channels), k);
  const input = { x: a.x, mask: masked ? a.mask : null };
  const [sum, square, sumG, sumGXmu] = [set(0), set(0), set(0), set(0)];
  const [mean, invStd, meanG, slope, scale] = [set(4), set(5), set(6), set(7), set(8)];
  const [weight, bias, dWeight, dBias] = [channel(9), channel(10), channel(0), channel(0)];
  const compared = a.doubles(4 * sets.setCount);
  kernels.sums(input, sets, sum);
  kernels.squares(input, sets, mean, square);
  kernels.normalize(input, sets, { mean, invStd }, { weight, bias }, a.y);
  kernels.gradientSums(input, a.dy, sets, { mean, weight }, { sumG, sumGXmu });
  kernels.gradient(input, a.dy, sets, { mean, weight, meanG, slope, scale }, a.dx);
  const all = { sumG: set(0), sumGXmu: set(0), dWeight, dBias };
  kernels.allGradientSums(input, a.dy, sets, { mean, invStd, weight }, all);
  kernels.compare(input, a.y, sets, compared);
  const moments = { count: set(0), mean: set(0), m2: set(0) };
  kernels.moments(input, sets, moments);
  const outputs = [
    ...Object.values(moments),
    sum,
    square,
    sumG,
    sumGXmu,
    ...Object.values(all),
    compared,
    a.y,
    a.dx,
  ].map((v) => Array.from(v));
  kernels.accumulate(a.y, a.dx);
  return [...outputs, Array.from(a.y)];
}

describe("rounding to a half format", () => {
  const memory = createKernelMemory(1 << 20);
  // Oracle: the scalar reference, bit for bit, on every exponent and both sides of ties; lengths that leave a tail.
  test.each(["float16", "bfloat16"] as const)(
    "%s: SIMD and scalar agree bit for bit, and count alike",
    async (format) => {
      const simd = await createWasmKernels(memory, new Int32Array(memory.buffer, 1024, 16));
      for (const count of [0, 1, 2, 3, 5, 4 * 4096 + 3]) {
        const values = new Float32Array(memory.buffer, 4096, count);
        const bits = new Uint32Array(memory.buffer, 4096, count);
        for (let i = 0; i < count; i++) {
          const drawn = Math.imul(i, 0x9e3779b1);
          bits[i] = [(drawn & ~0xffff) | 0x8000, (drawn & ~0x1fff) | 0x1000, drawn][i % 3]!;
        }
        if (count > 5) values.set([Infinity, -Infinity, NaN, -0, 65520, 65519.996, 2 ** -25, -(2 ** -24)]);
        const expected = values.slice();
        const overflows = scalarKernels.roundToHalf(expected, format);
        expect(simd.roundToHalf(values, format)).toBe(overflows);
        expect(values.slice()).toEqual(expected);
      }
    },
  );
});

test("countValues counts what the kernels sum", () => {
  // Oracle: the scalar reference, summing ones.
  const extent = { samples: 3, channels: 6, positions: 5 };
  const mask = Uint8Array.from({ length: 15 }, (_, i) => (i % 4 === 1 ? 0 : 1));
  const x = new Float64Array(90).fill(1);
  for (const [reduces, groups] of reductions) {
    const sets = indexSetsOf(extent, reduces, groups);
    for (const valid of [null, mask]) {
      const [sum, count] = [new Float64Array(sets.setCount), new Float64Array(sets.setCount)];
      scalarKernels.sums({ x, mask: valid }, sets, sum);
      countValues(sets, valid, count);
      expect(count).toEqual(sum);
    }
  }
});

describe("normals", () => {
  // Oracle: RandomStream, bit for bit; lengths that end between the two of a pair, single draws between.
  const memory = createKernelMemory(1 << 20);
  test.each([Float32Array, Float64Array])("of the kernel are those of the stream, in %o", async (Numbers) => {
    const simd = await createWasmKernels(
      memory,
      new Int32Array(memory.buffer, 1024, descriptionBytes(1) / 4),
    );
    const state = streamState({ seed: 5, rank: 3, trainingStep: 0, purpose: "x" });
    const [drawn, expected] = [simd.normals(state), drawNormals(state)];
    for (const [round, count] of [0, 1, 2, 49, 1, 20_000].entries()) {
      const values: FloatArray = new Numbers(memory.buffer as unknown as ArrayBuffer, 1 << 18, count);
      const wanted = new Numbers(count);
      expect(drawn.normal()).toBe(expected.normal());
      drawn.fill(values, round, 0.3, 0.7 * round, 0.9);
      expected.fill(wanted, round, 0.3, 0.7 * round, 0.9);
      expect(values.slice()).toEqual(wanted);
    }
  });

  test("a stream that is started anew has no normal left over", async () => {
    const simd = await createWasmKernels(
      memory,
      new Int32Array(memory.buffer, 1024, descriptionBytes(1) / 4),
    );
    const state = streamState({ seed: 6, rank: 0, trainingStep: 0, purpose: "x" });
    const first = simd.normals(state).normal();
    expect(simd.normals(state).normal()).toBe(first);
  });
});

const descriptions = 4096;
const memory = createKernelMemory(1 << 22);
const wasm = await createWasmKernels(
  memory,
  new Int32Array(memory.buffer, 1024, descriptionBytes(descriptions) / 4),
);
const dataStart = 1024 + descriptionBytes(descriptions);

describe("the SIMD kernels equal the scalar reference bit for bit", () => {
  // Blocks of 1024 elements, 4096 columns, 64 and 16 rows, and what is left of each.
  const large: readonly (readonly [Extent, (typeof reductions)[number]])[] = [
    [{ samples: 3, channels: 2, positions: 2069 }, [["samples", "positions"]]],
    [{ samples: 150, channels: 21, positions: 1 }, [["samples", "positions"]]],
    [{ samples: 67, channels: 70, positions: 1 }, [["samples", "positions"]]],
    [{ samples: 2, channels: 4103, positions: 1 }, [["samples", "positions"]]],
    [{ samples: 3, channels: 4103, positions: 1 }, [["channels"]]],
    [{ samples: 35, channels: 77, positions: 1 }, [["channels"]]],
    [{ samples: 2, channels: 131, positions: 66 }, [["channels"]]],
  ];
  for (const [extent, reduction] of large) {
    for (const masked of [false, true]) {
      test(`float32 [${Object.values(extent)}] over ${reduction[0].join(" and ")}${masked ? ", masked" : ""}`, () => {
        const scalar = arraysIn(new ArrayBuffer(1 << 22), 0, 32, extent);
        const simd = arraysIn(memory.buffer, dataStart, 32, extent);
        expect(runAll(wasm, extent, reduction, masked, simd)).toEqual(
          runAll(scalarKernels, extent, reduction, masked, scalar),
        );
      });
    }
  }

  // Means so far from 0, against the wave's deviations of 31, that they are subtracted along rows too.
  const offsets: readonly (readonly [string, Offset])[] = [
    ["far from 0", () => 500],
    ["of which some are far from 0", (i) => (i % 2) * 500],
  ];
  for (const [extent, reduction] of large.slice(0, 4)) {
    for (const [where, offset] of offsets) {
      test(`float32 [${Object.values(extent)}], values ${where}`, () => {
        const scalar = arraysIn(new ArrayBuffer(1 << 22), 0, 32, extent);
        const simd = arraysIn(memory.buffer, dataStart, 32, extent);
        expect(runAll(wasm, extent, reduction, false, simd, offset)).toEqual(
          runAll(scalarKernels, extent, reduction, false, scalar, offset),
        );
      });
    }
  }

  for (const storage of [32, 64] as const) {
    for (const reduction of reductions) {
      const [reduces, groups = 1] = reduction;
      const what = `${reduces.join(" and ") || "nothing"}${groups === 1 ? "" : `, ${groups} blocks of channels`}`;
      test(`float${storage}, reducing over ${what}`, () => {
        fc.assert(
          fc.property(
            fc.record({
              samples: fc.integer({ min: 0, max: 5 }),
              channels: fc.integer({ min: 1, max: 19 }),
              positions: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 37 })),
            }),
            fc.boolean(),
            (drawn, masked) => {
              const extent = { ...drawn, channels: drawn.channels * groups };
              const scalar = arraysIn(new ArrayBuffer(1 << 20), 0, storage, extent);
              const simd = arraysIn(memory.buffer, dataStart, storage, extent);
              expect(runAll(wasm, extent, reduction, masked, simd)).toEqual(
                runAll(scalarKernels, extent, reduction, masked, scalar),
              );
            },
          ),
          { numRuns: 60, seed: 7 },
        );
      });
    }
  }
});
