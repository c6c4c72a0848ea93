import {
  blockStarts,
  type Operation,
  type Schedule,
  ScheduleBuilder,
  type ScheduleRequest,
} from "./schedule.ts";

/** Ranks in ring order, and the elements that they pass around: member i owns block i of `starts`. */
export interface Ring {
  readonly members: readonly number[];
  /** First element of each member's block, and the end of the last: one longer than `members`. */
  readonly starts: readonly number[];
}

/**
 * The reduce-scatter phase of several disjoint rings, side by side in the same steps.
 *
 * **Order**: block i starts on member i + 1 and is summed serially around the ring; it ends, whole,
 * on member i. Rings that are done early sit out the last steps.
 */
export function reduceScatterRings(builder: ScheduleBuilder, rings: readonly Ring[]): void {
  passBlocks(builder, rings, 1, "reduce");
}

/** The all-gather phase: member i starts with block i; every member ends with every block. */
export function allGatherRings(builder: ScheduleBuilder, rings: readonly Ring[]): void {
  passBlocks(builder, rings, 0, "copy");
}

/** In step s member i sends block i − s − lag to its successor. */
function passBlocks(
  builder: ScheduleBuilder,
  rings: readonly Ring[],
  lag: 0 | 1,
  kind: "reduce" | "copy",
): void {
  const steps = Math.max(...rings.map((ring) => ring.members.length - 1));
  for (let step = 0; step < steps; step++) {
    for (const { members, starts } of rings) {
      const count = members.length;
      if (step >= count - 1) continue;
      for (let i = 0; i < count; i++) {
        const block = (i - step - lag + count) % count;
        const offset = starts[block]!;
        builder.send(members[i]!, members[(i + 1) % count]!, offset, starts[block + 1]! - offset, kind);
      }
    }
    builder.endStep();
  }
}

type Phase = (builder: ScheduleBuilder, rings: readonly Ring[]) => void;

function ringSchedule(
  operation: Operation,
  ranks: number,
  elements: number,
  phases: readonly Phase[],
): Schedule {
  const builder = new ScheduleBuilder();
  const ring: Ring = {
    members: Array.from({ length: ranks }, (_, rank) => rank),
    starts: blockStarts(ranks, elements),
  };
  for (const phase of phases) phase(builder, [ring]);
  return builder.build(operation, "ring", ranks, elements);
}

/**
 * Reduce-scatter around the ring, then all-gather: 2(ranks − 1) messages per rank.
 *
 * @see Patarasuk, Yuan (2009), Bandwidth optimal all-reduce algorithms, doi 10.1016/j.jpdc.2008.09.002
 */
export function ringAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  return ringSchedule("all-reduce", ranks, payloadElements, [reduceScatterRings, allGatherRings]);
}

/** ranks − 1 messages per rank; block r is summed in ring order r + 1, ..., r. */
export function ringReduceScatter({ ranks, payloadElements }: ScheduleRequest): Schedule {
  return ringSchedule("reduce-scatter", ranks, payloadElements, [reduceScatterRings]);
}

/** ranks − 1 messages per rank, one block each. */
export function ringAllGather({ ranks, payloadElements }: ScheduleRequest): Schedule {
  return ringSchedule("all-gather", ranks, ranks * payloadElements, [allGatherRings]);
}
