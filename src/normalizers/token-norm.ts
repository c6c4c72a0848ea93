import type { Progress } from "../collectives/communicator.ts";
import { pairedMomentsCombine } from "../collectives/merge-moments.ts";
import {
  differentiateSets,
  localMoments,
  type Normalizer,
  normalizeSets,
  type RankView,
} from "./operator.ts";

/**
 * A normaliser with one set per token, over its channels. Where tensor ranks hold a token's channels
 * between them, each pass all-reduces two numbers per token, padding included, or one where m is no mean:
 * (mean, m2) merged by the shards' known channel counts, or Σx²; Σg and Σg(x − m), or the latter alone.
 *
 * dWeight and dBias stay local: each rank holds its own channels'.
 */
export function tokenNormalizer({ centres }: { readonly centres: boolean }): Normalizer {
  const perToken = centres ? 2 : 1;
  return {
    reduces: ["channels"],
    channelGroups: 1,
    centres,
    tracksStatistics: false,
    collectives({ samples, positions }) {
      const values = perToken * samples * positions;
      if (values === 0) return [];
      return [
        { pass: "forward", operation: "all-reduce", values, valuesPerElement: perToken },
        { pass: "backward", operation: "all-reduce", values, valuesPerElement: 1 },
      ];
    },
    normalize: normalizeSets,
    *forward(rank) {
      localMoments(rank);
      if (isSharded(rank)) yield* centres ? poolMoments(rank) : poolSquares(rank);
      normalizeSets(rank);
      return { clampedVariances: 0 };
    },
    *backward(rank) {
      const { kernels, input, dy, sets, statistics, weight } = rank;
      kernels.gradientSums(input, dy, sets, { mean: statistics.mean, weight }, statistics);
      kernels.affineGradients(input, dy, sets, statistics, rank);
      if (isSharded(rank)) {
        const { sumG, sumGXmu } = statistics;
        yield* addUp(rank, centres ? [sumG, sumGXmu] : [sumGXmu]);
      }
      differentiateSets(rank, weight);
    },
  };
}

const isSharded = ({ communicator, sets }: RankView): boolean =>
  communicator.groupSize > 1 && sets.setCount > 0;

/** A token that has no values here is padding on every rank. */
function completeCounts({ statistics: { count }, channelShards }: RankView): void {
  const channels = channelShards.reduce((sum, channels) => sum + channels, 0);
  for (let set = 0; set < count.length; set++) if (count[set]! > 0) count[set] = channels;
}

function* poolMoments(rank: RankView): Progress<void> {
  const { mean, m2 } = rank.statistics;
  const payload = rank.payload(2 * mean.length);
  for (let set = 0; set < mean.length; set++) {
    payload[2 * set] = mean[set]!;
    payload[2 * set + 1] = m2[set]!;
  }
  const combine = pairedMomentsCombine(rank.channelShards);
  yield* rank.communicator.allReduce(payload, { combine });
  for (let set = 0; set < mean.length; set++) {
    mean[set] = payload[2 * set]!;
    m2[set] = payload[2 * set + 1]!;
  }
  completeCounts(rank);
}

function* poolSquares(rank: RankView): Progress<void> {
  yield* addUp(rank, [rank.statistics.m2]);
  completeCounts(rank);
}

/** All-reduce arrays of one number per set, as one payload. */
function* addUp(rank: RankView, arrays: readonly Float64Array[]): Progress<void> {
  const { setCount } = rank.sets;
  const payload = rank.payload(arrays.length * setCount);
  for (const [index, array] of arrays.entries()) payload.set(array, index * setCount);
  yield* rank.communicator.allReduce(payload);
  for (const [index, array] of arrays.entries())
    array.set(payload.subarray(index * setCount, (index + 1) * setCount));
}
