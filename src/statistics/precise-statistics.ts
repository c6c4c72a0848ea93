import { emptyMoments, type Moments, mergeMoments } from "./moments.ts";

/**
 * What precise BatchNorm keeps of batches made with frozen weights, in both forms that are in use: the moments of
 * all values, whose variance is E[m² + v] − E[m]², and sums of the batches' own means and unbiased variances, whose
 * average misses the variance between batches, Var(m).
 *
 * @see Wu, Johnson (2021), arXiv 2105.07576, for the first; fvcore/nn/precise_bn.py as it was at first for the second.
 */
export class PreciseStatistics {
  /** Of all values, per channel. */
  readonly moments: Moments[];
  readonly sumMean: Float64Array;
  /** Of unbiased variances. */
  readonly sumVariance: Float64Array;
  /** Behind the sums: a batch of fewer than two values has no unbiased variance and is not among them. */
  batches = 0;

  constructor(channels: number) {
    this.moments = new Array<Moments>(channels).fill(emptyMoments);
    this.sumMean = new Float64Array(channels);
    this.sumVariance = new Float64Array(channels);
  }

  /** Take in a batch of `count` values per channel. */
  observe(count: number, { mean, m2 }: { readonly mean: Float64Array; readonly m2: Float64Array }): void {
    for (const [c, earlier] of this.moments.entries()) {
      this.moments[c] = mergeMoments(earlier, { count, mean: mean[c]!, m2: m2[c]! });
      if (count < 2) continue;
      this.sumMean[c]! += mean[c]!;
      this.sumVariance[c]! += m2[c]! / (count - 1);
    }
    if (count >= 2) this.batches++;
  }
}
