import type { Progress } from "../collectives/communicator.ts";
import { localMoments, type Normalizer, noneClamped, type RankView, type Recurrence } from "./operator.ts";

/**
 * A normaliser of each channel by mean squares over samples and positions of every rank in the group, of this
 * step and of those before: nothing is centred.
 *
 * Forward all-reduces Σx² per channel and the count, backward Σdy·x per channel; the count travels as the sums
 * do, so that it is exact up to 2^24 in float32, 2^11 in float16 and 2^8 in bfloat16. dWeight and dBias stay local, as BatchNorm's do. The
 * authors' own layers pool nothing over ranks: that is group `rank`.
 */
export function meanSquareNormalizer(recurrence: (channels: number) => Recurrence): Normalizer {
  return {
    reduces: ["samples", "positions"],
    channelGroups: 1,
    centres: false,
    runningVariance: null,
    recurrence,
    collectives: ({ channels }) => [
      { pass: "forward", operation: "all-reduce", values: channels + 1, valuesPerElement: 1 },
      { pass: "backward", operation: "all-reduce", values: channels, valuesPerElement: 1 },
    ],
    normalize: (rank) => rank.recurrence!.normalize(rank),
    *forward(rank) {
      localMoments(rank);
      if (rank.communicator.groupSize > 1) yield* poolSquares(rank);
      rank.recurrence!.normalize(rank);
      return noneClamped;
    },
    *backward(rank) {
      const { kernels, input, dy, sets, statistics, weight, ones, dWeight, dBias } = rank;
      const { mean, invStd, sumG, sumGXmu } = statistics;
      kernels.gradientSums(input, dy, sets, { mean, weight: ones }, statistics);
      for (let c = 0; c < sumG.length; c++) {
        dBias[c] = sumG[c]!;
        dWeight[c] = invStd[c]! * sumGXmu[c]!;
      }
      if (rank.communicator.groupSize > 1) {
        const payload = rank.payload(sumGXmu.length);
        payload.set(sumGXmu);
        yield* rank.communicator.allReduce(payload);
        sumGXmu.set(payload);
      }
      for (let c = 0; c < sumG.length; c++) sumGXmu[c]! *= weight[c]!;
      rank.recurrence!.differentiate(rank);
    },
  };
}

/** Σx² of every channel, and the values behind each. */
function* poolSquares({ statistics: { count, m2 }, payload: room, communicator }: RankView): Progress<void> {
  const payload = room(m2.length + 1);
  payload.set(m2);
  payload[m2.length] = count[0]!;
  yield* communicator.allReduce(payload);
  m2.set(payload.subarray(0, m2.length));
  count.fill(payload[m2.length]!);
}
