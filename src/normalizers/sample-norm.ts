import type { Combine, Progress } from "../collectives/communicator.ts";
import { momentsCombine, pairedMomentsCombine } from "../collectives/merge-moments.ts";
import {
  differentiateSets,
  type Normalizer,
  normalizeSets,
  type RankView,
  type SetShape,
  takeMoments,
} from "./operator.ts";

/**
 * A normaliser whose sets lie in one sample each: tokens, blocks of channels, channels. Where ranks hold a set
 * between them, each pass all-reduces two numbers per set, padding included, or one where m is no mean:
 * (mean, m2) merged by the parts' known counts, or Σx²; Σg and Σg(x − m), or the latter alone. Where padding
 * decides the counts, they travel along: (count, mean, m2).
 *
 * dWeight and dBias stay local: each rank has its own channels', of its own positions.
 *
 * @param pools whether ranks of a group hold sets between them.
 */
export function sampleNormalizer(shape: SetShape, pools = true): Normalizer {
  const { reduces, centres } = shape;
  return {
    ...shape,
    runningVariance: null,
    collectives(_, { setCount, isMasked }) {
      if (!pools || setCount === 0) return [];
      const perSet = centres ? 2 : 1;
      const forward = isMasked && reduces.includes("positions") ? momentsCombine.valuesPerElement : perSet;
      return [
        {
          pass: "forward",
          operation: "all-reduce",
          values: forward * setCount,
          valuesPerElement: forward,
        },
        { pass: "backward", operation: "all-reduce", values: perSet * setCount, valuesPerElement: 1 },
      ];
    },
    normalize: normalizeSets,
    *forward(rank) {
      const own = takeMoments(rank);
      if (pools && isSplit(rank)) yield* centres ? poolMoments(rank) : poolSquares(rank);
      normalizeSets(rank);
      return { own, merged: 0 };
    },
    *backward(rank) {
      const { kernels, input, dy, sets, statistics, weight, dWeight, dBias } = rank;
      const { sumG, sumGXmu } = statistics;
      kernels.allGradientSums(input, dy, sets, { ...statistics, weight }, { sumG, sumGXmu, dWeight, dBias });
      if (pools && isSplit(rank)) yield* addUp(rank, centres ? [sumG, sumGXmu] : [sumGXmu]);
      differentiateSets(rank, weight);
    },
  };
}

const isSplit = ({ communicator, sets }: RankView): boolean =>
  communicator.groupSize > 1 && sets.setCount > 0;

/** A token that has no values here is padding on every rank. */
function completeCounts({ statistics: { count } }: RankView, partCounts: readonly number[]): void {
  const values = partCounts.reduce((sum, part) => sum + part, 0);
  for (let set = 0; set < count.length; set++) if (count[set]! > 0) count[set] = values;
}

function* poolMoments(rank: RankView): Progress<void> {
  const { partCounts, statistics } = rank;
  const { count, mean, m2 } = statistics;
  if (partCounts === null) yield* reduceRecords(rank, [count, mean, m2], momentsCombine);
  else {
    yield* reduceRecords(rank, [mean, m2], pairedMomentsCombine(partCounts));
    completeCounts(rank, partCounts);
  }
}

function* poolSquares(rank: RankView): Progress<void> {
  yield* addUp(rank, [rank.statistics.m2]);
  completeCounts(rank, rank.partCounts!);
}

/** All-reduce one record per set, made of one number of each array. */
function* reduceRecords(rank: RankView, arrays: readonly Float64Array[], combine: Combine): Progress<void> {
  const { setCount } = rank.sets;
  const payload = rank.payload(arrays.length * setCount);
  for (const [index, array] of arrays.entries())
    for (let set = 0; set < setCount; set++) payload[arrays.length * set + index] = array[set]!;
  yield* rank.communicator.allReduce(payload, { combine });
  for (const [index, array] of arrays.entries())
    for (let set = 0; set < setCount; set++) array[set] = payload[arrays.length * set + index]!;
}

/** All-reduce arrays of one number per element, as one payload. */
export function* addUp(rank: RankView, arrays: readonly Float64Array[]): Progress<void> {
  const { length } = arrays[0]!;
  const payload = rank.payload(arrays.length * length);
  for (const [index, array] of arrays.entries()) payload.set(array, index * length);
  yield* rank.communicator.allReduce(payload);
  for (const [index, array] of arrays.entries())
    array.set(payload.subarray(index * length, (index + 1) * length));
}
