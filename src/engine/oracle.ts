import { indexSetsOf } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import { localMoments, type RankView, type SetShape } from "../normalizers/operator.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";

/** Fills a view's statistics with what one device that holds the whole batch would know. */
export interface Oracle {
  /** count, mean and m2. */
  moments(view: RankView): void;
  /** sumG and sumGXmu, about those means. */
  gradientSums(view: RankView): void;
}

/**
 * The oracle of a normaliser's sets: channels are the coordinator's to merge, other sets lie on this rank or,
 * channel by channel, on the ranks of its group.
 *
 * @param whole the rank's channels of the whole batch.
 * @param viewsOf gives any rank's arrays.
 * @param weight of all channels.
 */
export function oracleFor(
  shape: SetShape,
  group: readonly number[],
  whole: WholeViews,
  viewsOf: (rank: number) => RankViews,
  weight: Float64Array,
): Oracle {
  if (shape.reduces.includes("samples")) return mergedOracle(whole);
  return group.length === 1 ? ownOracle : shardedOracle(group.map(viewsOf), shape, weight);
}

/** For sets that lie on this rank: computed again from x. */
const ownOracle: Oracle = {
  moments: localMoments,
  gradientSums({ kernels, input, dy, sets, statistics, weight }) {
    kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
  },
};

/** For channels, which all ranks share: the coordinator's float64 merge, in rank order. */
function mergedOracle(whole: WholeViews): Oracle {
  return {
    moments({ statistics }) {
      statistics.count.fill(whole.count[0]!);
      statistics.mean.set(whole.mean);
      statistics.m2.set(whole.m2);
    },
    gradientSums({ statistics, weight }) {
      for (let c = 0; c < weight.length; c++) {
        statistics.sumG[c] = whole.sumDy[c]! * weight[c]!;
        statistics.sumGXmu[c] = whole.sumDyXmu[c]! * weight[c]!;
      }
    },
  };
}

/**
 * For sets that ranks hold channel by channel between them: their x and dy side by side, as on one device,
 * in the order of sums that it would have. It reads the other ranks' memory, which no message does.
 *
 * @param shards of the ranks of a group, in order of their channels; they hold the same tokens.
 * @param weight of all channels.
 */
function shardedOracle(
  shards: readonly RankViews[],
  { reduces, channelGroups, centres }: SetShape,
  weight: Float64Array,
): Oracle {
  const [{ extent, mask }] = shards as [RankViews];
  const whole = { ...extent, channels: weight.length };
  const sets = indexSetsOf(whole, reduces, channelGroups);
  const input = () => ({ x: joinChannels(shards, ({ x }) => x), mask });
  return {
    moments({ statistics }) {
      localMoments({ kernels: scalarKernels, input: input(), sets, statistics, centres });
    },
    gradientSums({ statistics }) {
      const dy = joinChannels(shards, (shard) => shard.dy);
      scalarKernels.gradientSums(input(), dy, sets, { mean: statistics.mean, weight }, statistics);
    },
  };
}

/** [N, C, L] of all channels from each rank's part of them. */
function joinChannels(shards: readonly RankViews[], arrayOf: (shard: RankViews) => FloatArray): FloatArray {
  const arrays = shards.map(arrayOf);
  const elements = arrays.reduce((sum, { length }) => sum + length, 0);
  const joined = arrays[0] instanceof Float32Array ? new Float32Array(elements) : new Float64Array(elements);
  let at = 0;
  for (let n = 0; n < shards[0]!.extent.samples; n++) {
    for (const [index, { extent }] of shards.entries()) {
      const perSample = extent.channels * extent.positions;
      joined.set(arrays[index]!.subarray(n * perSample, (n + 1) * perSample), at);
      at += perSample;
    }
  }
  return joined;
}
