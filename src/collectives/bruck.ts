import { type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * Rank r holds blocks r, r + 1, ... (circular) and hands them to rank r − d, d = 1, 2, 4, ...:
 * ceil(log2(ranks)) messages per rank for any number of ranks.
 *
 * Circular ranges take the place of Bruck's local rotation: a range that wraps is one message.
 *
 * @see Bruck, Ho, Kipnis, Upfal, Weathersby (1997), doi 10.1109/71.642949
 */
export function bruckAllGather({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  for (let distance = 1; distance < ranks; distance *= 2) {
    const blocks = Math.min(distance, ranks - distance);
    for (let rank = 0; rank < ranks; rank++) {
      const target = (rank - distance + ranks) % ranks;
      builder.send(rank, target, rank * payloadElements, blocks * payloadElements, "copy");
    }
    builder.endStep();
  }
  return builder.build("all-gather", "bruck", ranks, ranks * payloadElements);
}
