import { doubleRanges, doubleSums, firstRank, foldIn, foldOut, powerOfTwoCore } from "./power-of-two.ts";
import { type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * Partners at distance 1, 2, 4, ... swap whole vectors: log2(ranks) messages per rank, two more steps
 * where ranks is not a power of two.
 *
 * @see Thakur, Rabenseifner, Gropp (2005), doi 10.1177/1094342005051521
 */
export function recursiveDoublingAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const core = powerOfTwoCore(ranks);
  foldIn(builder, core, payloadElements);
  doubleSums(builder, core, payloadElements);
  foldOut(builder, core, payloadElements);
  return builder.build("all-reduce", "recursive-doubling", ranks, payloadElements);
}

/**
 * Partners at distance 1, 2, 4, ... swap all the blocks they hold. Where ranks is not a power of two,
 * a rank outside the core hands its block in first and gets the others, one circular range, last.
 */
export function recursiveDoublingAllGather({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const core = powerOfTwoCore(ranks);
  const elements = ranks * payloadElements;
  for (let rank = 0; rank < 2 * core.extra; rank += 2) {
    builder.send(rank, rank + 1, rank * payloadElements, payloadElements, "copy");
  }
  builder.endStep();
  const starts = Array.from(
    { length: core.count + 1 },
    (_, member) => firstRank(core, member) * payloadElements,
  );
  doubleRanges(builder, core, starts);
  for (let rank = 0; rank < 2 * core.extra; rank += 2) {
    builder.send(rank + 1, rank, (rank + 1) * payloadElements, elements - payloadElements, "copy");
  }
  builder.endStep();
  return builder.build("all-gather", "recursive-doubling", ranks, elements);
}
