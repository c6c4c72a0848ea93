import {
  differentiateSets,
  localMoments,
  type Normalizer,
  normalizeSets,
  type SetShape,
} from "./operator.ts";

/**
 * A normaliser whose index sets lie on one rank each wherever a scenario may have it, so that nothing is
 * sent.
 */
export function residentNormalizer(shape: SetShape): Normalizer {
  return {
    ...shape,
    tracksStatistics: false,
    collectives: () => [],
    normalize: normalizeSets,
    // biome-ignore lint/correctness/useYield: its sets lie on this rank, so it never waits for another.
    *forward(rank) {
      localMoments(rank);
      normalizeSets(rank);
      return { clampedVariances: 0 };
    },
    // biome-ignore lint/correctness/useYield: its sets lie on this rank, so it never waits for another.
    *backward(rank) {
      const { kernels, input, dy, sets, statistics, weight } = rank;
      kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
      kernels.affineGradients(input, dy, sets, statistics, rank);
      differentiateSets(rank, weight);
    },
  };
}
