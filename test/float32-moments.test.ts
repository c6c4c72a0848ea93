import { describe, expect, test } from "vitest";
import { type Axis, type Extent, indexSetsOf } from "../src/kernels/index-sets.ts";
import { scalarKernels } from "../src/kernels/scalar.ts";
import { createKernelMemory, createWasmKernels, descriptionBytes } from "../src/kernels/wasm.ts";
import { normalGenerator } from "./support/normal-generator.ts";

// Oracle: two float64 passes of the scalar reference over the same values as float64.

const dataStart = 1 << 17;
const memory = createKernelMemory(1 << 22);
const kernels = await createWasmKernels(
  memory,
  new Int32Array(memory.buffer, 1024, descriptionBytes(64) / 4),
);

/** Rows of one set each, short rows, rows that cross sets, one set per row. */
const layouts: readonly {
  readonly name: string;
  readonly extent: Extent;
  readonly reduces: readonly Axis[];
}[] = [
  { name: "NCHW", extent: { samples: 4, channels: 6, positions: 3136 }, reduces: ["samples", "positions"] },
  {
    name: "short rows",
    extent: { samples: 8, channels: 64, positions: 49 },
    reduces: ["samples", "positions"],
  },
  { name: "tokens", extent: { samples: 500, channels: 96, positions: 1 }, reduces: ["samples", "positions"] },
  { name: "features", extent: { samples: 60, channels: 768, positions: 1 }, reduces: ["channels"] },
];

/** The kernel's moments and the oracle's of values given by their index. */
function momentsOf({ extent, reduces }: (typeof layouts)[number], value: (i: number) => number) {
  const elements = extent.samples * extent.channels * extent.positions;
  const sets = indexSetsOf(extent, reduces);
  const x = new Float32Array(memory.buffer, dataStart, elements);
  for (let i = 0; i < elements; i++) x[i] = value(i);
  const doubles = (index: number): Float64Array =>
    new Float64Array(memory.buffer, dataStart + 4 * elements + 8 * index * sets.setCount, sets.setCount);
  const got = { count: doubles(0), mean: doubles(1), m2: doubles(2) };
  kernels.moments({ x, mask: null }, sets, got);
  const [count, mean, m2] = [0, 1, 2].map(() => new Float64Array(sets.setCount));
  const want = { count: count!, mean: mean!, m2: m2! };
  scalarKernels.moments({ x: Float64Array.from(x), mask: null }, sets, want);
  return { got, want };
}

/** The largest error of a mean, in standard deviations, and of m2, relative. */
function worst({ got, want }: ReturnType<typeof momentsOf>): { mean: number; m2: number } {
  const errors = { mean: 0, m2: 0 };
  for (const [set, m2] of want.m2.entries()) {
    const std = Math.sqrt(m2 / want.count[set]!);
    errors.mean = Math.max(errors.mean, Math.abs(got.mean[set]! - want.mean[set]!) / std);
    errors.m2 = Math.max(errors.m2, Math.abs(got.m2[set]! - m2) / m2);
  }
  return errors;
}

/**
 * A sum of 64 roundings of 2^-24 (1024 elements in 16 lanes, or 64 rows) is off by at most 4e-6 of its terms, and
 * that if all went one way; of n independent ones by √64 · 2^-24 = 5e-7. Up to a mean of √5 = 2.24 standard deviations
 * nothing is subtracted along rows, and the squares are up to 6 times those of the deviations, of which 16 lanes of
 * independent roundings lose 3e-8.
 */
const tolerance = 1e-6;

describe.each(layouts)("float32 moments of $name", (layout) => {
  test.each([0, 1, 2.2, 1000])("keep 1e-6 at mean/σ = %s", (mean) => {
    const normal = normalGenerator(7);
    const errors = worst(momentsOf(layout, () => 3 * (mean + normal())));
    expect(errors.mean).toBeLessThan(tolerance);
    expect(errors.m2).toBeLessThan(tolerance);
  });

  test("keep 1e-6 where the first values are far from the rest", () => {
    const normal = normalGenerator(8);
    const errors = worst(momentsOf(layout, (i) => normal() + (i % 3136 < 3 ? 1000 : 0)));
    expect(errors.mean).toBeLessThan(tolerance);
    expect(errors.m2).toBeLessThan(tolerance);
  });

  test.each([1e-30, 1e30])("keep 1e-6 of values of order %s, whose squares are no float32", (scale) => {
    const normal = normalGenerator(9);
    const errors = worst(momentsOf(layout, () => scale * normal()));
    expect(errors.mean).toBeLessThan(tolerance);
    expect(errors.m2).toBeLessThan(tolerance);
  });

  test("of equal values are that value and 0, exactly", () => {
    const value = Math.fround(0.1);
    const { got } = momentsOf(layout, () => value);
    expect(new Set(got.mean)).toEqual(new Set([value]));
    expect(new Set(got.m2)).toEqual(new Set([0]));
  });
});
