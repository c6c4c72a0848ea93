import type { Kernels } from "./kernels.ts";
import { blockElements, fold, laneCount } from "./scalar-moments.ts";
import { blocksOf, rowsOf, visitRow } from "./scalar-rows.ts";

// Float32 data whose rows lie in one set each: the arithmetic is float32, rounded at every step.

const { fround } = Math;

/** Rows of the same channels whose gradients are added in float32. */
const blockRows = 64;
/** Lanes and block of rows that run along the channels. */
const [shortLaneCount, shortBlockElements] = [8, 512];

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
    const { high } = split(mean[set]!);
    for (let first = 0; first < row.count; first += blockElements) {
      const [g, gX] = [new Float32Array(laneCount), new Float32Array(laneCount)];
      for (let i = first; i < Math.min(row.count, first + blockElements); i++) {
        const term = fround(dy[start + i]! * fround(weight[channel + i * sets.channelStrides[3]!]!));
        g[(i - first) % laneCount]! += term;
        gX[(i - first) % laneCount]! += fround(term * fround(x[start + i]! - high));
      }
      const sum = fold(g);
      sumG[set]! += sum;
      sumGXmu[set]! += fold(gX) - (mean[set]! - high) * sum;
    }
  }
};

/** `allGradientSums` of rows that run along the channels. */
export const sumAllGradientFloats: Kernels["allGradientSums"] = ({ x, mask }, dy, sets, factors, sums) => {
  const { mean, invStd, weight } = factors;
  for (const sum of Object.values(sums)) sum.fill(0);
  for (const rows of blocksOf(sets, "channel", blockRows)) {
    const { channel, count } = rows[0]!;
    const [weights, biases] = [new Float32Array(count), new Float32Array(count)];
    for (const { set, start, token } of rows) {
      if (mask !== null && mask[token] === 0) continue;
      const { high, low } = split(mean[set]!);
      for (let first = 0; first < count; first += shortBlockElements) {
        const [g, gX] = [new Float32Array(laneCount), new Float32Array(laneCount)];
        for (let i = first; i < Math.min(count, first + shortBlockElements); i++) {
          const w = fround(weight[channel + i]!);
          const d = dy[start + i]!;
          const product = fround(d * fround(fround(x[start + i]! - high) - low));
          weights[i]! += fround(product * fround(invStd[set]!));
          biases[i]! += d;
          g[(i - first) % shortLaneCount]! += fround(d * w);
          gX[(i - first) % shortLaneCount]! += fround(product * w);
        }
        sums.sumG[set]! += fold(g);
        sums.sumGXmu[set]! += fold(gX);
      }
    }
    for (let i = 0; i < count; i++) {
      sums.dWeight[channel + i]! += weights[i]!;
      sums.dBias[channel + i]! += biases[i]!;
    }
  }
};
