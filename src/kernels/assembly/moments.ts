// Count, mean and m2 of float32 data in one pass: blocks about what came before them, merged in float64.

import { mergeColumns, ROWS } from "./columns";
import { BLOCK, COLUMNS, firstSum, Moments, Plain, secondSum, sumTwo, sumWide } from "./lanes";
import { isInRange, merge } from "./merge";
import {
  advance, at64, Description, Flat, innerSetStride, locate, open, rowCount, rowLength, rowsOfSameSets, setIndex,
} from "./rows";

/** Elements that the first shift of a set is the mean of. */
const SAMPLE: i32 = 64;
/** About the mean of the first values; exactly theirs if they are the same. */
function firstShift(x: usize, n: i32): f32 {
  const first = load<f32>(x);
  const count = min(n, SAMPLE) & ~7;
  if (count == 0) return first;
  const origin = f32x4.splat(first);
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  for (let end = x + (<usize>count << 2); x < end; x += 32) {
    a = f32x4.add(a, f32x4.sub(v128.load(x), origin));
    b = f32x4.add(b, f32x4.sub(v128.load(x, 16), origin));
  }
  a = f32x4.add(a, b);
  a = f32x4.add(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return first + (f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1)) / <f32>count;
}

/**
 * What is subtracted from values of a set that has some: nothing where the square of the mean is at most 5 variances,
 * which makes errors of the squares up to 6 times as large, but saves a third of the additions.
 */
// @ts-ignore: decorator
@inline
function shiftOf(before: f64, mean: f64, m2: f64): f32 {
  return mean * mean * before <= 5 * m2 ? 0 : <f32>mean;
}

function mergeRow(x: usize, n: i32, count: usize, mean: usize, m2: usize): void {
  const before = load<f64>(count);
  const shift = before == 0 ? firstShift(x, n) : shiftOf(before, load<f64>(mean), load<f64>(m2));
  let a: f64 = 0;
  let b: f64 = 0;
  for (let first = 0; first < n; first += BLOCK) {
    const part = min(BLOCK, n - first);
    const at = x + (<usize>first << 2);
    if (shift == 0) sumTwo<Plain, Flat>(at, 0, part, 0, 0);
    else sumTwo<Moments, Flat>(at, 0, part, shift, 0);
    a += firstSum;
    b += secondSum;
  }
  if (!isInRange(b, n)) {
    sumWide(x, 4, n, shift);
    a = firstSum;
    b = secondSum;
  }
  merge(before, mean, m2, n, shift, a, b);
  store<f64>(count, before + n);
}

/** Mean and m2 of every set; m2 and count must be 0. Of sets that rows cross, count is the first one's alone. */
export function moments32(x: usize, d: Description, count: usize, mean: usize, m2: usize, scratch: usize): void {
  open(d);
  const step = <usize>rowLength << 2;
  if (rowLength == 0 || rowCount == 0) return;
  locate(d, 0);
  if (innerSetStride(d) == 0) {
    for (let r = 0; r < rowCount; r++, x += step) {
      mergeRow(x, rowLength, at64(count, setIndex), at64(mean, setIndex), at64(m2, setIndex));
      advance(d, r + 1, 1);
    }
    return;
  }
  let r = 0;
  while (r < rowCount) {
    const rows = rowsOfSameSets(d, ROWS);
    const counted = at64(count, setIndex);
    const before = load<f64>(counted);
    for (let first = 0; first < rowLength; first += COLUMNS) {
      const set = setIndex + first;
      const n = min(COLUMNS, rowLength - first);
      mergeColumns(x + (<usize>first << 2), step, rows, n, before, at64(mean, set), at64(m2, set), scratch);
    }
    store<f64>(counted, before + rows);
    r += rows;
    x += <usize>rows * step;
    advance(d, r, rows);
  }
}
