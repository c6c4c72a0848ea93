import type { Progress } from "../collectives/communicator.ts";
import { momentsCombine } from "../collectives/merge-moments.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { PoolingSpec } from "../scenario/scenario.ts";
import { mergeMoments } from "../statistics/moments.ts";
import type { CollectiveShape, ForwardResult, RankView } from "./operator.ts";

/** How several ranks come to share the moments of their channels. */
export interface Synchronization {
  /** The collective of the forward pass. */
  collective(channels: number): CollectiveShape;
  /** Turns local moments in `rank.statistics` into the group's. */
  pool(rank: RankView): Progress<ForwardResult>;
}

/** Ways to synchronise a group, by name. */
export const synchronizations: Readonly<Record<PoolingSpec["implementation"], Synchronization>> = {
  /** All-gather of [mean, invStd, count], merged in rank order: PyTorch 1.6 and later. */
  pytorch: {
    collective: (channels) => ({
      pass: "forward",
      operation: "all-gather",
      values: 2 * channels + 1,
      valuesPerElement: 1,
    }),
    *pool(rank) {
      const { channels } = rank.extent;
      const payload = rank.payload(2 * channels + 1);
      packPyTorch(rank, payload);
      const gathered = yield* rank.communicator.allGather(payload);
      return mergeGathered(rank, (peer) =>
        gathered.subarray(peer * payload.length, (peer + 1) * payload.length),
      );
    },
  },
  /** One all-reduce of (count, mean, m2) records whose sum is the moments' merge. */
  "all-reduce-moments": {
    collective: (channels) => ({
      pass: "forward",
      operation: "all-reduce",
      values: 3 * channels,
      valuesPerElement: momentsCombine.valuesPerElement,
    }),
    *pool(rank) {
      const { channels } = rank.extent;
      const { count, mean, m2 } = rank.statistics;
      const payload = rank.payload(3 * channels);
      for (let c = 0; c < channels; c++) payload.set([count[c]!, mean[c]!, m2[c]!], 3 * c);
      yield* rank.communicator.allReduce(payload, { combine: momentsCombine });
      for (let c = 0; c < channels; c++) {
        count[c] = payload[3 * c]!;
        mean[c] = payload[3 * c + 1]!;
        m2[c] = payload[3 * c + 2]!;
      }
      return { clampedVariances: 0 };
    },
  },
};

/** [mean | invStd | count]; an empty rank sends zeros and a set without spread at ε = 0 sends invStd 0. */
function packPyTorch(rank: RankView, payload: FloatArray): void {
  const { channels } = rank.extent;
  const count = rank.statistics.count[0]!;
  payload.fill(0);
  if (count === 0) return;
  for (let c = 0; c < channels; c++) {
    const denominator = rank.statistics.m2[c]! / count + rank.epsilon;
    payload[c] = rank.statistics.mean[c]!;
    payload[channels + c] = denominator === 0 ? 0 : 1 / Math.sqrt(denominator);
  }
  payload[2 * channels] = count;
}

/**
 * Undo invStd and merge peers in rank order, block by block as they lie in memory. The round trip can leave a
 * small negative variance: 0, counted.
 */
function mergeGathered(rank: RankView, block: (peer: number) => FloatArray): ForwardResult {
  const { channels } = rank.extent;
  const { count, mean, m2 } = rank.statistics;
  let clampedVariances = 0;
  for (const target of [count, mean, m2]) target.fill(0);
  for (let peer = 0; peer < rank.communicator.groupSize; peer++) {
    const gathered = block(peer);
    const peerCount = gathered[2 * channels]!;
    if (peerCount === 0) continue;
    for (let c = 0; c < channels; c++) {
      const invStd = gathered[channels + c]!;
      const variance = invStd === 0 ? 0 : 1 / (invStd * invStd) - rank.epsilon;
      if (variance < 0) clampedVariances++;
      const incoming = { count: peerCount, mean: gathered[c]!, m2: Math.max(variance, 0) * peerCount };
      const pooled = mergeMoments({ count: count[c]!, mean: mean[c]!, m2: m2[c]! }, incoming);
      count[c] = pooled.count;
      mean[c] = pooled.mean;
      m2[c] = pooled.m2;
    }
  }
  return { clampedVariances };
}
