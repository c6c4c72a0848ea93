import { assert } from "../assert.ts";
import type { FloatArray, Kernels } from "./kernels.ts";

// Without its values an activation is known up to what its normalisers do to it: y is an affine map of x, channel by
// channel, and all that is asked of either are moments and Σ (y − y′)². Such an activation is kept as
// [count | mean | m2 | slope]: the mean of it, the m2 of the x it came from, and ∂/∂x.

/** Numbers that keep an activation of so many channels. */
export function momentsLength(channels: number): number {
  return 1 + 3 * channels;
}

/** Keep the moments of x itself. */
export function writeMoments(
  target: FloatArray,
  { count, mean, m2 }: { readonly count: number; readonly mean: Float64Array; readonly m2: Float64Array },
): void {
  target[0] = count;
  target.set(mean, 1);
  target.set(m2, 1 + mean.length);
  target.fill(1, 1 + 2 * mean.length);
}

function partsOf(kept: FloatArray) {
  const channels = (kept.length - 1) / 3;
  const part = (index: number): FloatArray => kept.subarray(1 + index * channels, 1 + (index + 1) * channels);
  return { count: kept[0]!, mean: part(0), m2: part(1), slope: part(2) };
}

/**
 * Kernels for activations that are kept as their moments; index sets are channels, and nothing goes backward.
 * Values are not rounded to the storage type, because there are none.
 *
 * @param kernels for what is no activation.
 */
export function momentKernels(kernels: Kernels): Kernels {
  return {
    ...kernels,
    counts(input, _, count) {
      count.fill(input.x[0]!);
    },
    sums(input, _, sum) {
      const { count, mean } = partsOf(input.x);
      for (let c = 0; c < sum.length; c++) sum[c] = count * mean[c]!;
    },
    squares(input, _, about, square) {
      const { count, mean, m2, slope } = partsOf(input.x);
      for (let c = 0; c < square.length; c++) {
        const offset = mean[c]! - about[c]!;
        square[c] = slope[c]! * slope[c]! * m2[c]! + count * offset * offset;
      }
    },
    normalize(input, { setCount }, { mean, invStd }, { weight, bias }, y) {
      const x = partsOf(input.x);
      const target = partsOf(y);
      y.set(input.x);
      for (let c = 0; c < setCount; c++) {
        target.mean[c] = (x.mean[c]! - mean[c]!) * invStd[c]! * weight[c]! + bias[c]!;
        target.slope[c] = x.slope[c]! * invStd[c]! * weight[c]!;
      }
    },
    compare({ x: kept }, other, { setCount }, out) {
      const [a, b] = [partsOf(kept), partsOf(other)];
      for (let c = 0; c < setCount; c++) {
        const product = (meanA: number, slopeA: number, meanB: number, slopeB: number): number =>
          a.count * meanA * meanB + slopeA * slopeB * a.m2[c]!;
        const [meanA, slopeA, meanB, slopeB] = [a.mean[c]!, a.slope[c]!, b.mean[c]!, b.slope[c]!];
        const [mean, slope] = [meanA - meanB, slopeA - slopeB];
        out[c] = product(mean, slope, mean, slope);
        out[setCount + c] = product(meanA, slopeA, meanB, slopeB);
        out[2 * setCount + c] = product(meanA, slopeA, meanA, slopeA);
        out[3 * setCount + c] = product(meanB, slopeB, meanB, slopeB);
      }
    },
    moments(input, _, moments) {
      const { count, mean, m2, slope } = partsOf(input.x);
      moments.count.fill(count);
      moments.mean.set(mean);
      for (let c = 0; c < m2.length; c++) moments.m2[c] = slope[c]! * slope[c]! * m2[c]!;
    },
    gradientSums(_, __, ___, ____, { sumG, sumGXmu }) {
      sumG.fill(0);
      sumGXmu.fill(0);
    },
    gradient() {
      assert(false, "moments have no gradient");
    },
  };
}
