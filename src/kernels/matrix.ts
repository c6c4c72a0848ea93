import { assert } from "../assert.ts";
import type { FloatArray, Matrix } from "./kernels.ts";

/** Rows of `columns` values, one every `rowStride` values of the array. */
export function matrixOf(
  values: FloatArray,
  rows: number,
  columns: number,
  rowStride: number = columns,
): Matrix {
  return { values, rows, columns, rowStride, columnStride: 1 };
}

/** The same values with rows and columns exchanged; nothing is moved. */
export function transpose({ values, rows, columns, rowStride, columnStride }: Matrix): Matrix {
  return { values, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride };
}

/** Whether a product's sums run along both factors in memory, which decides their order. */
export function runsAlongInner(a: Matrix, b: Matrix): boolean {
  return a.columnStride === 1 && b.rowStride === 1;
}

/** Check that target = a·b is a product that the kernels know, inside the arrays. */
export function assertProduct(a: Matrix, b: Matrix, bias: FloatArray | null, target: Matrix): void {
  const shapes = [a, b, target].map(({ rows, columns }) => `[${rows}, ${columns}]`);
  assert(
    a.columns === b.rows && a.rows === target.rows && b.columns === target.columns,
    `${shapes[0]} times ${shapes[1]} is no ${shapes[2]}`,
  );
  assert(target.columnStride === 1, "a product is written along its columns");
  assert(runsAlongInner(a, b) || b.columnStride === 1, "no kernel for factors that lie like these");
  assert(
    bias === null || bias.length === target.columns,
    `${bias?.length} biases for ${target.columns} columns`,
  );
  for (const { values, rows, columns, rowStride, columnStride } of [a, b, target]) {
    const last = (rows - 1) * rowStride + (columns - 1) * columnStride;
    assert(rows * columns === 0 || last < values.length, `element ${last} of an array of ${values.length}`);
  }
}
