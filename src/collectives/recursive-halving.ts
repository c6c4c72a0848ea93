import { firstRank, foldIn, halveRanges, powerOfTwoCore } from "./power-of-two.ts";
import { blockStart, type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * Partners at distance ranks/2, ..., 2, 1 split the range they share: log2(ranks) messages per rank.
 * Where ranks is not a power of two, a rank outside the core hands its vector in first and gets its
 * block of the sum last.
 *
 * @see MPICH, MPIR_Reduce_scatter_intra_recursive_halving
 */
export function recursiveHalvingReduceScatter({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const core = powerOfTwoCore(ranks);
  const start = (rank: number) => blockStart(rank, ranks, payloadElements);
  foldIn(builder, core, payloadElements);
  halveRanges(
    builder,
    core,
    Array.from({ length: core.count + 1 }, (_, member) => start(firstRank(core, member))),
  );
  for (let rank = 0; rank < 2 * core.extra; rank += 2) {
    builder.send(rank + 1, rank, start(rank), start(rank + 1) - start(rank), "copy");
  }
  builder.endStep();
  return builder.build("reduce-scatter", "recursive-halving", ranks, payloadElements);
}
