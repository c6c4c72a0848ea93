import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FloatArray, Kernels, Matrix } from "../src/kernels/kernels.ts";
import { matrixOf, transpose } from "../src/kernels/matrix.ts";
import { scalarKernels } from "../src/kernels/scalar.ts";
import { createKernelMemory, createWasmKernels } from "../src/kernels/wasm.ts";

// Oracle: the scalar reference, bit for bit; and products by hand.

const memory = createKernelMemory(1 << 20);
const wasm = await createWasmKernels(memory, new Int32Array(memory.buffer, 1024, 0));

/** How the factors of a product lie: along the inner index, or b along its columns and a either way. */
const layouts = ["x·wᵀ", "dy·w", "dyᵀ·x"] as const;

describe("the SIMD product equals the scalar reference bit for bit", () => {
  for (const [name, Type] of [
    ["float32", Float32Array],
    ["float64", Float64Array],
  ] as const) {
    for (const layout of layouts) {
      test(`${name}, ${layout}`, () => {
        const extent = fc.integer({ min: 0, max: 21 });
        fc.assert(
          fc.property(
            extent,
            extent,
            extent,
            fc.boolean(),
            fc.integer({ min: 0, max: 3 }),
            (m, n, k, hasBias, gap) => {
              const products = [scalarKernels, wasm].map((kernels) =>
                product(kernels, Type, layout, { m, n, k, hasBias, gap }),
              );
              expect(products[1]).toEqual(products[0]);
            },
          ),
          { numRuns: 60 },
        );
      });
    }
  }
});

interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly hasBias: boolean;
  /** Values between two rows. */
  readonly gap: number;
}

function product(
  kernels: Kernels,
  Type: new (buffer: ArrayBufferLike, offset: number, length: number) => FloatArray,
  layout: (typeof layouts)[number],
  { m, n, k, hasBias, gap }: Shape,
): number[] {
  let next = 1024;
  const array = (length: number, salt: number): FloatArray => {
    const values: FloatArray = new Type(memory.buffer, next, length);
    next += Math.ceil((length * values.BYTES_PER_ELEMENT) / 16) * 16;
    for (let i = 0; i < length; i++) values[i] = Math.sin(i * 12.9898 + salt * 78.233) * 43.5;
    return values;
  };
  const rows = (count: number, columns: number, salt: number): Matrix =>
    matrixOf(array(count * (columns + gap), salt), count, columns, columns + gap);
  const a = layout === "dyᵀ·x" ? transpose(rows(k, m, 1)) : rows(m, k, 1);
  const b = layout === "x·wᵀ" ? transpose(rows(n, k, 2)) : rows(k, n, 2);
  const target = rows(m, n, 3);
  kernels.multiply(a, b, hasBias ? array(n, 4) : null, target);
  return Array.from(target.values);
}

test("a product with a bias is that of a textbook", () => {
  // Oracle: by hand. [1 2; 3 4]·[5 6; 7 8] = [19 22; 43 50].
  for (const way of ["along", "across"]) {
    const b = way === "across" ? matrixOf(Float64Array.of(5, 6, 7, 8), 2, 2) : undefined;
    const target = matrixOf(new Float64Array(4), 2, 2);
    const a = matrixOf(Float64Array.of(1, 2, 3, 4), 2, 2);
    scalarKernels.multiply(
      a,
      b ?? transpose(matrixOf(Float64Array.of(5, 7, 6, 8), 2, 2)),
      Float64Array.of(1, -1),
      target,
    );
    expect([...target.values]).toEqual([20, 21, 44, 49]);
  }
});

test("shapes that do not multiply are refused", () => {
  const [a, b] = [matrixOf(new Float64Array(6), 2, 3), matrixOf(new Float64Array(4), 2, 2)];
  expect(() => scalarKernels.multiply(a, b, null, b)).toThrow(/\[2, 3\] times \[2, 2\] is no \[2, 2\]/);
  const short = matrixOf(new Float64Array(5), 2, 3);
  expect(() => scalarKernels.multiply(b, short, null, a)).toThrow(/element 5 of an array of 5/);
});
