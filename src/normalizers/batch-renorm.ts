import type { BatchRenormSpec } from "../scenario/scenario.ts";
import { batchNorm } from "./batch-norm.ts";
import { type Normalizer, type RankView, standardizeSets } from "./operator.ts";

/**
 * Batch renormalisation: BatchNorm's x̂ corrected to r·x̂ + d, which without clipping is what
 * evaluation computes from the running statistics μ and σ² before this step.
 *
 * r = clip(√(v + ε)/√(σ² + ε), 1/rMax, rMax) and d = clip((m − μ)/√(σ² + ε), −dMax, dMax) are constants
 * to the gradient: dx is r times BatchNorm's.
 *
 * @see Ioffe (2017), arXiv 1702.03275
 */
export function batchRenorm(spec: BatchRenormSpec): Normalizer {
  const base = batchNorm(spec, (rank) => renormalizeSets(rank, spec));
  return {
    ...base,
    *backward(rank) {
      yield* base.backward(rank);
      for (let c = 0; c < rank.extent.channels; c++) rank.dWeight[c]! += rank.offset[c]! * rank.dBias[c]!;
    },
  };
}

/** y = γ(r·x̂ + d) + β, as gain·x̂ + shift. At rMax = 1 and dMax = 0 these are γ and β, bit for bit. */
function renormalizeSets(rank: RankView, { rMax, dMax }: BatchRenormSpec): void {
  const { statistics, running, weight, bias, gain, shift, offset, epsilon } = rank;
  const { count, mean, m2, scale } = statistics;
  standardizeSets(rank);
  for (let c = 0; c < rank.extent.channels; c++) {
    const std = Math.sqrt(running.runningVariance[c]! + epsilon);
    const stdOfBatch = count[c] === 0 ? 0 : Math.sqrt(m2[c]! / count[c]! + epsilon);
    const r = clip(ratio(stdOfBatch, std), 1 / rMax, rMax);
    const d = clip(ratio(mean[c]! - running.runningMean[c]!, std), -dMax, dMax);
    offset[c] = d;
    gain[c] = weight[c]! * r;
    shift[c] = weight[c]! * d + bias[c]!;
    scale[c]! *= r;
  }
  rank.kernels.normalize(rank.input, rank.sets, statistics, { weight: gain, bias: shift }, rank.y);
}

/** Infinite over a running std of 0, which ε = 0 allows; 0 of 0 is 0. */
export function ratio(value: number, std: number): number {
  return value === 0 ? 0 : value / std;
}

/** The value of [least, most] that is nearest; NaN stays NaN. */
export function clip(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
