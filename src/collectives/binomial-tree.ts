import { type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/**
 * Reduce to rank 0 along a binomial tree, then broadcast back along it.
 *
 * **Order**: rank r adds the subtrees of r + 1, r + 2, r + 4, ... in that order.
 */
export function binomialTreeAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  for (let distance = 1; distance < ranks; distance *= 2) {
    for (let parent = 0; parent + distance < ranks; parent += 2 * distance) {
      builder.send(parent + distance, parent, 0, payloadElements, "reduce");
    }
    builder.endStep();
  }
  descend(builder, ranks, payloadElements);
  return builder.build("all-reduce", "binomial-tree", ranks, payloadElements);
}

/** Rank 0's vector along a binomial tree: ceil(log2(ranks)) steps, one message to each other rank. */
export function binomialBroadcast({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  descend(builder, ranks, payloadElements);
  return builder.build("broadcast", "binomial", ranks, payloadElements);
}

/** Copy from rank 0 to all: the farthest child first, because its subtree is the deepest. */
function descend(builder: ScheduleBuilder, ranks: number, elements: number): void {
  for (let distance = 2 ** (Math.ceil(Math.log2(ranks)) - 1); distance >= 1; distance /= 2) {
    for (let parent = 0; parent + distance < ranks; parent += 2 * distance) {
      builder.send(parent, parent + distance, 0, elements, "copy");
    }
    builder.endStep();
  }
}
