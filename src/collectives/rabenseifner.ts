import { doubleRanges, foldIn, foldOut, halveRanges, powerOfTwoCore } from "./power-of-two.ts";
import { blockStarts, type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * Reduce-scatter by recursive halving, then all-gather by recursive doubling: 2 log2(ranks) messages
 * per rank and as few elements as a ring; two more steps where ranks is not a power of two.
 *
 * @see Thakur, Rabenseifner, Gropp (2005), doi 10.1177/1094342005051521
 */
export function rabenseifnerAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const core = powerOfTwoCore(ranks);
  const starts = blockStarts(core.count, payloadElements);
  foldIn(builder, core, payloadElements);
  halveRanges(builder, core, starts);
  doubleRanges(builder, core, starts);
  foldOut(builder, core, payloadElements);
  return builder.build("all-reduce", "rabenseifner", ranks, payloadElements);
}
