// Moments of rows that cross sets: float32 sums of each column, block by block.

import { COLUMNS, firstSum, narrow, part, secondSum, sumWide } from "./lanes";
import { isInRange, LEAST, merge } from "./merge";
import { at64 } from "./rows";

/** Rows that are added in float32 where a row crosses sets. */
export const ROWS: i32 = 64;

// Where rows cross sets, shifts lie in scratch, a float32 for each of COLUMNS columns, and after them these.
const SUMS: usize = 4 * <usize>COLUMNS;
const SQUARES: usize = 8 * <usize>COLUMNS;

// @ts-ignore: decorator
@inline
function add(d: v128, at: usize): void {
  v128.store(at, f32x4.add(v128.load(at, SUMS), d), SUMS);
  v128.store(at, f32x4.add(v128.load(at, SQUARES), f32x4.mul(d, d)), SQUARES);
}

/**
 * Add d = x − shift and d² of every column of one row. One row after the other is one stream, which processors
 * foresee; several rows at once would be streams that start anew with each, though they would save half the stores.
 */
function addRow(x: usize, n: i32, at: usize): void {
  for (const end = x + (<usize>(n & ~7) << 2); x < end; x += 32, at += 32) {
    add(f32x4.sub(v128.load(x), v128.load(at)), at);
    add(f32x4.sub(v128.load(x, 16), v128.load(at, 16)), at + 16);
  }
  if ((n & 4) != 0) {
    add(f32x4.sub(v128.load(x), v128.load(at)), at);
    x += 16;
    at += 16;
  }
  if ((n & 3) != 0) add(f32x4.sub(part(x, n & 3), v128.load(at)), at);
}

// @ts-ignore: decorator
@inline
function addRows(x: usize, step: usize, rows: i32, n: i32, scratch: usize): void {
  memory.fill(scratch + SUMS, 0, 8 * COLUMNS);
  for (const end = x + <usize>rows * step; x < end; x += step) addRow(x, n, scratch);
}

/** Each column's shift: the mean of the rows for sets that have nothing yet, of what came before for others. */
function shiftColumns(x: usize, step: usize, rows: i32, n: i32, isFirst: bool, mean: usize, scratch: usize): void {
  if (!isFirst) {
    narrow(mean, n, scratch);
    return;
  }
  memory.copy(scratch, x, <usize>n << 2);
  addRows(x, step, rows, n, scratch);
  for (let at = scratch, end = at + (<usize>n << 2); at < end; at += 4) {
    store<f32>(at, load<f32>(at) + load<f32>(at, SUMS) / <f32>rows);
  }
}

/** Merge what a column's rows add up to; as `mergeRow` does. */
function mergeColumn(x: usize, step: usize, rows: i32, before: f64, mean: usize, m2: usize, scratch: usize): void {
  const shift = load<f32>(scratch);
  let a: f64 = load<f32>(scratch, SUMS);
  let b: f64 = load<f32>(scratch, SQUARES);
  if (!isInRange(b, rows)) {
    sumWide(x, step, rows, shift);
    a = firstSum;
    b = secondSum;
  }
  merge(before, mean, m2, rows, shift, a, b);
}

/** Two columns at once, whose squares are in range. */
// @ts-ignore: decorator
@inline
function mergePair(shift: v128, a: v128, b: v128, reciprocal: v128, share: v128, both: v128, isFirst: bool, mean: usize, m2: usize): void {
  const about = isFirst ? shift : v128.load(mean);
  const d = f64x2.mul(a, reciprocal);
  const delta = f64x2.add(f64x2.sub(shift, about), d);
  v128.store(mean, f64x2.add(about, f64x2.mul(delta, share)));
  const within = f64x2.add(v128.load(m2), f64x2.sub(b, f64x2.mul(a, d)));
  v128.store(m2, f64x2.add(within, f64x2.mul(f64x2.mul(delta, delta), both)));
}

// @ts-ignore: decorator
@inline
function low(four: v128): v128 {
  return f64x2.promote_low_f32x4(four);
}

// @ts-ignore: decorator
@inline
function high(four: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3));
}

/** Merge what rows that cross the same sets, COLUMNS columns at most, add to each. */
export function mergeColumns(
  x: usize, step: usize, rows: i32, n: i32, before: f64, mean: usize, m2: usize, scratch: usize,
): void {
  const isFirst = before == 0;
  shiftColumns(x, step, rows, n, isFirst, mean, scratch);
  addRows(x, step, rows, n, scratch);
  const fraction = rows / (before + rows);
  const share = f64x2.splat(fraction);
  const both = f64x2.splat(before * fraction);
  const reciprocal = f64x2.splat(1 / <f64>rows);
  const least = f32x4.splat(<f32>rows * <f32>LEAST);
  const most = f32x4.splat(f32.MAX_VALUE);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = scratch + (<usize>i << 2);
    const s = v128.load(at);
    const a = v128.load(at, SUMS);
    const b = v128.load(at, SQUARES);
    const meanAt = at64(mean, i);
    const m2At = at64(m2, i);
    if (i32x4.all_true(v128.and(f32x4.ge(b, least), f32x4.le(b, most)))) {
      mergePair(low(s), low(a), low(b), reciprocal, share, both, isFirst, meanAt, m2At);
      mergePair(high(s), high(a), high(b), reciprocal, share, both, isFirst, meanAt + 16, m2At + 16);
    } else {
      for (let k = 0; k < 4; k++) {
        const column = <usize>k << 2;
        mergeColumn(x + (<usize>i << 2) + column, step, rows, before, at64(meanAt, k), at64(m2At, k), at + column);
      }
    }
  }
  for (; i < n; i++) {
    const column = <usize>i << 2;
    mergeColumn(x + column, step, rows, before, at64(mean, i), at64(m2, i), scratch + column);
  }
}
