import { indexSetsOf } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import { localMoments, type SetShape } from "../normalizers/operator.ts";
import type { RankViews } from "./arena-views.ts";
import type { Oracle } from "./reference.ts";

/**
 * For sets that ranks hold channel by channel between them: their x and dy side by side, as on one device,
 * in the order of sums that it would have. It reads the other ranks' memory, which no message does.
 *
 * @param shards of the ranks of a group, in order of their channels; they hold the same tokens.
 * @param weight of all channels.
 */
export function shardedOracle(
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
