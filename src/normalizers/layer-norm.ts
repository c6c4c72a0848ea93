import { differentiateSets, localMoments, type Normalizer, normalizeSets } from "./operator.ts";

/**
 * LayerNorm: one set per token (sample and position), over its channels. A token's channels live on
 * one rank under data parallelism, so nothing is sent.
 *
 * @see Ba, Kiros, Hinton (2016), arXiv 1607.06450
 */
export function layerNorm(): Normalizer {
  return {
    reduces: ["channels"],
    tracksStatistics: false,
    collectives: () => [],
    // biome-ignore lint/correctness/useYield: LayerNorm never waits for another rank.
    *forward(rank) {
      const count = rank.extent.channels;
      localMoments(rank, count);
      normalizeSets(rank, count);
      return { count, clampedVariances: 0 };
    },
    // biome-ignore lint/correctness/useYield: LayerNorm never waits for another rank.
    *backward(rank, count) {
      const { kernels, input, dy, sets, statistics, weight } = rank;
      kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
      kernels.affineGradients(input, dy, sets, statistics, rank);
      statistics.scale.set(statistics.invStd);
      differentiateSets(rank, count, weight);
    },
  };
}
