import type { PoolingSpec } from "../scenario/scenario.ts";
import { differentiateSets, localMoments, type Normalizer, normalizeSets } from "./operator.ts";
import { synchronizations } from "./synchronization.ts";

/**
 * BatchNorm: one set per channel, over samples and positions of every rank in the group.
 *
 * Backward all-reduces Σdy and Σdy(x − m) per channel. dWeight and dBias stay local, because data
 * parallel training reduces all weight gradients together, outside the layer.
 *
 * @param normalize another use of the pooled moments.
 * @see torch/nn/modules/_functions.py SyncBatchNorm
 */
export function batchNorm(
  { implementation }: Pick<PoolingSpec, "implementation">,
  normalize: Normalizer["normalize"] = normalizeSets,
): Normalizer {
  const synchronization = synchronizations[implementation];
  return {
    reduces: ["samples", "positions"],
    channelGroups: 1,
    centres: true,
    tracksStatistics: true,
    collectives: ({ channels }) => [
      synchronization.collective(channels),
      { pass: "backward", operation: "all-reduce", values: 2 * channels, valuesPerElement: 1 },
    ],
    normalize,
    *forward(rank) {
      localMoments(rank);
      const alone = { clampedVariances: 0 };
      const result = rank.communicator.groupSize === 1 ? alone : yield* synchronization.pool(rank);
      normalize(rank);
      return result;
    },
    *backward(rank) {
      const { statistics, extent, ones } = rank;
      const { sumG, sumGXmu, scale } = statistics;
      rank.kernels.gradientSums(
        rank.input,
        rank.dy,
        rank.sets,
        { mean: statistics.mean, weight: ones },
        statistics,
      );
      for (let c = 0; c < extent.channels; c++) {
        rank.dBias[c] = sumG[c]!;
        rank.dWeight[c] = scale[c]! * sumGXmu[c]!;
        scale[c] = scale[c]! * rank.weight[c]!;
      }
      if (rank.communicator.groupSize > 1) {
        const payload = rank.payload(2 * extent.channels);
        payload.set(sumG, 0);
        payload.set(sumGXmu, extent.channels);
        yield* rank.communicator.allReduce(payload);
        sumG.set(payload.subarray(0, extent.channels));
        sumGXmu.set(payload.subarray(extent.channels));
      }
      differentiateSets(rank, ones);
    },
  };
}
