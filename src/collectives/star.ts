import { type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * One parameter server: every rank sends its vector to rank 0, which sends the sum back.
 *
 * **Order**: rank 0 adds in rank order, so that the result has the bits of a serial sum.
 */
export function starAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  for (let rank = 1; rank < ranks; rank++) builder.send(rank, 0, 0, payloadElements, "reduce");
  builder.endStep();
  for (let rank = 1; rank < ranks; rank++) builder.send(0, rank, 0, payloadElements, "copy");
  builder.endStep();
  return builder.build("all-reduce", "star", ranks, payloadElements);
}
