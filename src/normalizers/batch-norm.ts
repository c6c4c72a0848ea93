import type { PoolingSpec } from "../scenario/scenario.ts";
import { shapeOf } from "./exchange.ts";
import { implementations } from "./implementations.ts";
import { differentiateSets, type Normalizer, normalizeSets, takeMoments } from "./operator.ts";
import { poolGradients, poolMoments } from "./synchronization.ts";

/**
 * BatchNorm: one set per channel, over samples and positions of every rank in the group.
 *
 * A group of several ranks is synchronised as its implementation does. dWeight and dBias stay local, because
 * data parallel training reduces all weight gradients together, outside the layer.
 *
 * @param normalize another use of the pooled moments.
 */
export function batchNorm(
  { implementation: name }: Pick<PoolingSpec, "implementation">,
  normalize: Normalizer["normalize"] = normalizeSets,
): Normalizer {
  const implementation = implementations[name];
  return {
    reduces: ["samples", "positions"],
    channelGroups: 1,
    centres: true,
    runningVariance: implementation.runningVariance,
    collectives: ({ channels }) => [
      ...implementation.forward.map((exchange) => shapeOf(exchange, "forward", channels)),
      ...implementation.backward.map((exchange) => shapeOf(exchange, "backward", channels)),
    ],
    normalize,
    *forward(rank) {
      const own = takeMoments(rank);
      const merged = rank.communicator.groupSize === 1 ? 0 : yield* poolMoments(rank, implementation);
      normalize(rank);
      return { own, merged };
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
      if (rank.communicator.groupSize > 1) yield* poolGradients(rank, implementation);
      differentiateSets(rank, ones);
    },
  };
}
