import type { IndexSets } from "./index-sets.ts";
import type { FloatArray, SetMoments } from "./kernels.ts";
import { blocksOf, rowsOf } from "./scalar-rows.ts";

const { fround } = Math;

/** Elements of a row that are added in float32 before their sum is a float64. */
export const blockElements = 1024;
export const laneCount = 16;
/** Rows that are added in float32 where a row crosses sets. */
const blockRows = 64;
/** Values that the first shift of a set is the mean of. */
const sampleCount = 64;
/** Below this mean square float32 loses squares. */
const leastMeanSquare = 2 ** -100;
/** How many times a variance the square of a mean may be, for values of a row to be summed about 0. */
const plainRatio = 5;

/** Of values and a shift: Σ (x − shift) and Σ (x − shift)². */
type Sums = readonly [number, number];

/** How values of a set that lie together are added. */
interface Way {
  /** What is subtracted from the first values of a set. */
  readonly firstShift: (values: FloatArray) => number;
  /** What is subtracted from values of a set that has `count` others. */
  readonly laterShift: (mean: number, m2: number, count: number) => number;
  readonly sum: (values: FloatArray, shift: number) => Sums;
}

const alongRows: Way = {
  firstShift: sampleMean,
  laterShift: (mean, m2, count) => (mean * mean * count <= plainRatio * m2 ? 0 : fround(mean)),
  sum: sumLanes,
};
const acrossRows: Way = { firstShift: meanAboutFirst, laterShift: (mean) => fround(mean), sum: sumInOrder };

/** One pass over float32 data without a mask, in the order that `IndexSets` documents. */
export function onePassMoments(x: FloatArray, sets: IndexSets, moments: SetMoments): void {
  const { count, mean, m2 } = moments;
  for (const array of [count, mean, m2]) array.fill(0);
  if (sets.setStrides[3] === 0) {
    for (const { start, count: n, set } of rowsOf(sets)) {
      const values = x.subarray(start, start + n);
      if (n > 0) mergeValues(moments, set, values, alongRows);
    }
    return;
  }
  for (const rows of blocksOf(sets, "set", blockRows)) {
    const { count: n, set } = rows[0]!;
    for (let i = 0; i < n; i++) {
      const values = Float32Array.from(rows, ({ start }) => x[start + i]!);
      mergeValues(moments, set + i, values, acrossRows);
    }
  }
}

function mergeValues(
  { count, mean, m2 }: SetMoments,
  set: number,
  values: FloatArray,
  { firstShift, laterShift, sum }: Way,
): void {
  const n = values.length;
  const before = count[set]!;
  const shift = before === 0 ? firstShift(values) : laterShift(mean[set]!, m2[set]!, before);
  let [a, b] = sum(values, shift);
  if (!(b >= n * leastMeanSquare && b < Number.POSITIVE_INFINITY)) [a, b] = sumWide(values, shift);
  const about = before === 0 ? shift : mean[set]!;
  const share = n / (before + n);
  const d = a * (1 / n);
  const delta = shift - about + d;
  count[set] = before + n;
  mean[set] = about + delta * share;
  m2[set] = m2[set]! + (b - a * d) + delta * delta * (before * share);
}

/** In 8 lanes about the first value, of whole turns of the lanes. */
function sampleMean(values: FloatArray): number {
  const first = values[0]!;
  const n = Math.min(values.length, sampleCount) & ~7;
  if (n === 0) return first;
  const l = new Float32Array(8);
  for (let i = 0; i < n; i++) l[i % 8]! += fround(values[i]! - first);
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => fround(l[i]! + l[i + 4]!)) as [number, number, number, number];
  return fround(first + fround(fround(fround(a + c) + fround(b + d)) / n));
}

/** About the first value. */
function meanAboutFirst(values: FloatArray): number {
  const first = values[0]!;
  return fround(first + fround(sumInOrder(values, first)[0] / values.length));
}

function sumLanes(values: FloatArray, shift: number): Sums {
  let [a, b] = [0, 0];
  for (let start = 0; start < values.length; start += blockElements) {
    const lanes = new Float32Array(laneCount);
    const squares = new Float32Array(laneCount);
    for (const [i, x] of values.subarray(start, start + blockElements).entries()) {
      const d = fround(x - shift);
      lanes[i % laneCount]! += d;
      squares[i % laneCount]! += fround(d * d);
    }
    a += fold(lanes);
    b += fold(squares);
  }
  return [a, b];
}

/** 16 float32 lanes as one float64. */
export function fold(l: Float32Array): number {
  const four = [0, 1, 2, 3].map((i) => fround(fround(l[i]! + l[i + 4]!) + fround(l[i + 8]! + l[i + 12]!)));
  return four[0]! + four[2]! + (four[1]! + four[3]!);
}

function sumInOrder(values: FloatArray, shift: number): Sums {
  let [a, b] = [0, 0];
  for (const x of values) {
    const d = fround(x - shift);
    a = fround(a + d);
    b = fround(b + fround(d * d));
  }
  return [a, b];
}

function sumWide(values: FloatArray, shift: number): Sums {
  let [a, b] = [0, 0];
  for (const x of values) {
    const d = x - shift;
    a += d;
    b += d * d;
  }
  return [a, b];
}
