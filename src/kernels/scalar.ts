import { conform } from "../scenario/number-format.ts";
import { drawNormals } from "../scenario/random.ts";
import type { IndexSets } from "./index-sets.ts";
import type { Activation, FloatArray, Kernels, Matrix } from "./kernels.ts";
import { assertProduct, runsAlongInner } from "./matrix.ts";
import { hasLanes, leaveOut, liesInSets, runsAlongChannels } from "./order.ts";
import {
  differentiateFloats,
  normalizeFloats,
  sumAllGradientFloats,
  sumGradientFloats,
} from "./scalar-floats.ts";
import { onePassMoments } from "./scalar-moments.ts";
import { rowsOf, visitRow } from "./scalar-rows.ts";
import { countValues } from "./set-counts.ts";
import { twoPassMoments } from "./two-pass.ts";

const laneCount = 8;

function foldLanes(l: Float64Array, round: (value: number) => number): number {
  const add = (a: number, b: number): number => round(a + b);
  const [even, odd] = [0, 1].map((i) => add(add(l[i]!, l[i + 4]!), add(l[i + 2]!, l[i + 6]!)));
  return add(even!, odd!);
}

const exact = (value: number): number => value;

/**
 * Sum `term` into target[set] or target[channel], in the order that `IndexSets` documents.
 *
 * @param round brings each sum to the format that is added in.
 */
export function sumInto(
  target: Float64Array,
  by: "set" | "channel",
  sets: IndexSets,
  mask: Uint8Array | null,
  term: (element: number, set: number, channel: number) => number,
  round: (value: number) => number = exact,
): void {
  target.fill(0);
  const crosses = (by === "set" ? sets.setStrides : sets.channelStrides)[3] !== 0;
  const lanes = new Float64Array(laneCount);
  for (const row of rowsOf(sets)) {
    if (crosses) {
      visitRow(row, sets, mask, (element, set, channel) => {
        const at = by === "set" ? set : channel;
        target[at] = round(target[at]! + term(element, set, channel));
      });
    } else {
      lanes.fill(0);
      visitRow(row, sets, mask, (element, set, channel, index) => {
        lanes[index % laneCount] = round(lanes[index % laneCount]! + term(element, set, channel));
      });
      const at = by === "set" ? row.set : row.channel;
      target[at] = round(target[at]! + foldLanes(lanes, round));
    }
  }
}

/** Write `value` at valid elements and 0 elsewhere. */
function map(
  target: FloatArray,
  sets: IndexSets,
  mask: Uint8Array | null,
  value: (element: number, set: number, channel: number) => number,
): void {
  if (mask !== null) target.fill(0);
  for (const row of rowsOf(sets)) {
    visitRow(row, sets, mask, (element, set, channel) => {
      target[element] = value(element, set, channel);
    });
  }
}

function compare(a: Activation, b: FloatArray, sets: IndexSets, out: Float64Array): void {
  const part = (index: number): Float64Array =>
    out.subarray(index * sets.setCount, (index + 1) * sets.setCount);
  const terms: ((x: number, y: number) => number)[] = [
    (x, y) => (x - y) * (x - y),
    (x, y) => x * y,
    (x) => x * x,
    (_, y) => y * y,
  ];
  for (const [index, term] of terms.entries()) {
    sumInto(part(index), "set", sets, a.mask, (e) => term(a.x[e]!, b[e]!));
  }
}

function multiply(a: Matrix, b: Matrix, bias: FloatArray | null, target: Matrix): void {
  assertProduct(a, b, bias, target);
  const at = ({ values, rowStride, columnStride }: Matrix, i: number, j: number): number =>
    values[i * rowStride + j * columnStride]!;
  const lanes = new Float64Array(runsAlongInner(a, b) ? laneCount : 1);
  for (let m = 0; m < target.rows; m++) {
    for (let n = 0; n < target.columns; n++) {
      lanes.fill(0);
      for (let k = 0; k < a.columns; k++) lanes[k % lanes.length]! += at(a, m, k) * at(b, k, n);
      const sum = lanes.length === 1 ? lanes[0]! : foldLanes(lanes, exact);
      target.values[m * target.rowStride + n] = bias === null ? sum : sum + bias[n]!;
    }
  }
}

/** The reference kernels: one closure a loop, slow and plain. The SIMD kernels must equal them bit for bit. */
export const scalarKernels: Kernels = {
  counts: ({ mask }, sets, count) => countValues(sets, mask, count),
  sums({ x, mask }, sets, sum) {
    sumInto(sum, "set", sets, mask, (e) => x[e]!);
  },
  squares({ x, mask }, sets, mean, square) {
    sumInto(square, "set", sets, mask, (e, set) => {
      const deviation = x[e]! - mean[set]!;
      return deviation * deviation;
    });
  },
  moments(input, sets, moments) {
    if (!hasLanes(input, sets)) return twoPassMoments(scalarKernels, input, sets, moments);
    onePassMoments(input.x, sets, moments);
    leaveOut(input.mask, sets, moments.count, [moments.mean, moments.m2]);
  },
  normalize(input, sets, statistics, affine, y) {
    if (liesInSets(input, sets)) return normalizeFloats(input, sets, statistics, affine, y);
    const [{ x, mask }, { mean, invStd }, { weight, bias }] = [input, statistics, affine];
    map(y, sets, mask, (e, set, c) => (x[e]! - mean[set]!) * invStd[set]! * weight[c]! + bias[c]!);
  },
  gradientSums(input, dy, sets, factors, sums) {
    if (hasLanes(input, sets) && liesInSets(input, sets))
      return sumGradientFloats(input, dy, sets, factors, sums);
    const [{ x, mask }, { mean, weight }, { sumG, sumGXmu }] = [input, factors, sums];
    sumInto(sumG, "set", sets, mask, (e, _, c) => dy[e]! * weight[c]!);
    sumInto(sumGXmu, "set", sets, mask, (e, set, c) => dy[e]! * weight[c]! * (x[e]! - mean[set]!));
  },
  gradient(input, dy, sets, factors, dx) {
    if (liesInSets(input, sets)) return differentiateFloats(input, dy, sets, factors, dx);
    const [{ x, mask }, { mean, weight, meanG, slope, scale }] = [input, factors];
    map(dx, sets, mask, (e, set, c) => {
      return (dy[e]! * weight[c]! - meanG[set]! - (x[e]! - mean[set]!) * slope[set]!) * scale[set]!;
    });
  },
  allGradientSums(input, dy, sets, factors, sums) {
    if (runsAlongChannels(input, sets)) return sumAllGradientFloats(input, dy, sets, factors, sums);
    scalarKernels.gradientSums(input, dy, sets, factors, sums);
    const [{ x, mask }, { mean, invStd }] = [input, factors];
    const { dWeight, dBias } = sums;
    sumInto(dWeight, "channel", sets, mask, (e, set) => dy[e]! * ((x[e]! - mean[set]!) * invStd[set]!));
    sumInto(dBias, "channel", sets, mask, (e) => dy[e]!);
  },
  compare,
  multiply,
  accumulate(target, incoming) {
    for (let i = 0; i < target.length; i++) target[i] = target[i]! + incoming[i]!;
  },
  normals: drawNormals,
  roundToHalf: conform,
};
