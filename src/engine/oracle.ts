import { indexSetsOf } from "../kernels/index-sets.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import { channelGroupsPerRank } from "../normalizers/axis-rule.ts";
import { localMoments, type RankView, type SetShape } from "../normalizers/operator.ts";
import type { Mesh } from "../scenario/scenario.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import { joinMasks, joinParts, regionOf } from "./region.ts";
import { aboutZero } from "./whole-batch.ts";

/** Fills a view's statistics with what one device that holds the whole batch would know. */
export interface Oracle {
  /** count, mean and m2. */
  moments(view: RankView): void;
  /** sumG and sumGXmu, about those means. */
  gradientSums(view: RankView): void;
}

/**
 * The oracle of a normaliser's sets: channels are the coordinator's to merge, other sets lie on this rank or
 * on several ranks between them.
 *
 * @param holders the ranks that hold this rank's sets between them.
 * @param whole the rank's channels of the whole batch.
 * @param viewsOf gives any rank's arrays.
 * @param weight of all channels.
 */
export function oracleFor(
  shape: SetShape,
  mesh: Mesh,
  holders: readonly number[],
  whole: WholeViews,
  viewsOf: (rank: number) => RankViews,
  weight: Float64Array,
): Oracle {
  if (shape.reduces.includes("samples"))
    return mergedOracle(shape.centres ? () => whole : () => aboutZero(whole));
  if (holders.length === 1) return ownOracle;
  const channelGroups = channelGroupsPerRank(shape.channelGroups, mesh);
  return shardedOracle(holders.map(viewsOf), { ...shape, channelGroups }, weight);
}

/** For sets that lie on this rank: computed again from x. */
const ownOracle: Oracle = {
  moments: localMoments,
  gradientSums({ kernels, input, dy, sets, statistics, weight }) {
    kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
  },
};

/** For channels, which all ranks share: the coordinator's float64 merge, in rank order. */
function mergedOracle(current: () => WholeViews): Oracle {
  return {
    moments({ statistics }) {
      const whole = current();
      statistics.count.fill(whole.count[0]!);
      statistics.mean.set(whole.mean);
      statistics.m2.set(whole.m2);
    },
    gradientSums({ statistics, weight }) {
      const whole = current();
      for (let c = 0; c < weight.length; c++) {
        statistics.sumG[c] = whole.sumDy[c]! * weight[c]!;
        statistics.sumGXmu[c] = whole.sumDyXmu[c]! * weight[c]!;
      }
    },
  };
}

/**
 * For sets that ranks hold between them: their x and dy side by side, as on one device, in the order of sums
 * that it would have. It reads the other ranks' memory, which no message does.
 *
 * @param shards what the ranks hold of the same samples: every one of some channels at every one of some positions.
 * @param weight of all channels.
 */
function shardedOracle(
  shards: readonly RankViews[],
  { reduces, channelGroups, centres }: SetShape,
  weight: Float64Array,
): Oracle {
  const region = regionOf(shards);
  const sets = indexSetsOf(region.extent, reduces, channelGroups);
  const ownWeight = weight.subarray(region.firstChannel, region.firstChannel + region.extent.channels);
  const input = () => ({ x: joinParts(shards, region, ({ x }) => x), mask: joinMasks(shards, region) });
  return {
    moments({ statistics }) {
      localMoments({ kernels: scalarKernels, input: input(), sets, statistics, centres });
    },
    gradientSums({ statistics }) {
      const dy = joinParts(shards, region, (shard) => shard.dy);
      const factors = { mean: statistics.mean, weight: ownWeight };
      scalarKernels.gradientSums(input(), dy, sets, factors, statistics);
    },
  };
}
