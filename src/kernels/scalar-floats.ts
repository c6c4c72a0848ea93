import type { Kernels } from "./kernels.ts";
import { blockElements, fold, laneCount } from "./scalar-moments.ts";
import { blocksOf, rowsOf, visitRow } from "./scalar-rows.ts";

// Float32 data whose rows lie in one set each: the arithmetic is float32, rounded at every step.

const { fround } = Math;

/** Columns that are worked on at once. */
const columns = 4096;
/** Rows of the same channels whose gradients are added in float32. */
const blockRows = 64;

/** A mean as two float32: x − high − low is as exact as x. */
function split(mean: number): { readonly high: number; readonly low: number } {
  const high = fround(mean);
  return { high, low: fround(mean - high) };
}

export const normalizeFloats: Kernels["normalize"] = (
  { x, mask },
  sets,
  { mean, invStd },
  { weight, bias },
  y,
) => {
  if (mask !== null) y.fill(0);
  for (const row of rowsOf(sets)) {
    const { high, low } = split(mean[row.set]!);
    const scale = fround(invStd[row.set]!);
    visitRow(row, sets, mask, (e, _, c) => {
      const xHat = fround(fround(fround(x[e]! - high) - low) * scale);
      y[e] = fround(xHat * fround(weight[c]!)) + fround(bias[c]!);
    });
  }
};

export const differentiateFloats: Kernels["gradient"] = ({ x, mask }, dy, sets, factors, dx) => {
  const { mean, weight, meanG, slope, scale } = factors;
  if (mask !== null) dx.fill(0);
  for (const row of rowsOf(sets)) {
    const { set } = row;
    const high = fround(mean[set]!);
    const g = fround(meanG[set]! - (mean[set]! - high) * slope[set]!);
    visitRow(row, sets, mask, (e, _, c) => {
      const rest = fround(fround(dy[e]! * fround(weight[c]!)) - g);
      dx[e] = fround(rest - fround(fround(x[e]! - high) * fround(slope[set]!))) * fround(scale[set]!);
    });
  }
};

export const sumGradientFloats: Kernels["gradientSums"] = ({ x, mask }, dy, sets, factors, sums) => {
  const { mean, weight } = factors;
  const { sumG, sumGXmu } = sums;
  sumG.fill(0);
  sumGXmu.fill(0);
  for (const row of rowsOf(sets)) {
    const { set, start, channel } = row;
    if (mask !== null && mask[row.token] === 0) continue;
    const high = fround(mean[set]!);
    for (let first = 0; first < row.count; first += columns) {
      let [sum, sumX] = [0, 0];
      const last = Math.min(row.count, first + columns);
      for (let begin = first; begin < last; begin += blockElements) {
        const [g, gX] = [new Float32Array(laneCount), new Float32Array(laneCount)];
        for (let i = begin; i < Math.min(last, begin + blockElements); i++) {
          const term = fround(dy[start + i]! * fround(weight[channel + i * sets.channelStrides[3]!]!));
          g[(i - begin) % laneCount]! += term;
          gX[(i - begin) % laneCount]! += fround(term * fround(x[start + i]! - high));
        }
        sum += fold(g);
        sumX += fold(gX);
      }
      sumG[set]! += sum;
      sumGXmu[set]! += sumX - (mean[set]! - high) * sum;
    }
  }
};

/** dWeight and dBias of `allGradientSums`. */
export const affineFloats: Kernels["allGradientSums"] = (
  { x, mask },
  dy,
  sets,
  { mean, invStd },
  { dWeight, dBias },
) => {
  dWeight.fill(0);
  dBias.fill(0);
  for (const rows of blocksOf(sets, "channel", blockRows)) {
    const { channel, count } = rows[0]!;
    const [weights, biases] = [new Float32Array(count), new Float32Array(count)];
    for (const { set, start, token } of rows) {
      if (mask !== null && mask[token] === 0) continue;
      const { high, low } = split(mean[set]!);
      for (let i = 0; i < count; i++) {
        const xHat = fround(fround(fround(x[start + i]! - high) - low) * fround(invStd[set]!));
        weights[i]! += fround(dy[start + i]! * xHat);
        biases[i]! += dy[start + i]!;
      }
    }
    for (let i = 0; i < count; i++) {
      dWeight[channel + i]! += weights[i]!;
      dBias[channel + i]! += biases[i]!;
    }
  }
};
