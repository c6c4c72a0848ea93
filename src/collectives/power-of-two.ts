import type { ScheduleBuilder } from "./schedule.ts";

/**
 * The largest power of two of a group's ranks, which recursive algorithms work on.
 *
 * Member m < `extra` is rank 2m + 1 and stands in for rank 2m too, which folds its data in before
 * and gets the result after; a later member m is rank m + extra.
 *
 * @see MPICH, MPIR_Allreduce_intra_recursive_doubling, for the same fold
 */
export interface Core {
  /** Members: a power of two, <= ranks. */
  readonly count: number;
  /** Ranks that are not members. */
  readonly extra: number;
}

export function powerOfTwoCore(ranks: number): Core {
  const count = 2 ** Math.floor(Math.log2(ranks));
  return { count, extra: ranks - count };
}

/** First of the one or two ranks that a member stands for; member `count`, one past the last, gives the group's rank count. */
export function firstRank({ extra }: Core, member: number): number {
  return member < extra ? 2 * member : member + extra;
}

/** The rank that a member is. */
function memberRank({ extra }: Core, member: number): number {
  return member < extra ? 2 * member + 1 : member + extra;
}

/**
 * Recursive halving: partners at distance count/2, ..., 1 split the range they share and add what
 * they keep. Member m ends with elements [starts[m], starts[m + 1]) of the members' sum.
 */
export function halveRanges(builder: ScheduleBuilder, core: Core, starts: readonly number[]): void {
  for (let width = core.count / 2; width >= 1; width /= 2) {
    for (let member = 0; member < core.count; member++) {
      const partner = member ^ width;
      sendBlocks(builder, core, member, partner, starts, partner - (partner % width), width, "reduce");
    }
    builder.endStep();
  }
}

/**
 * Recursive doubling of ranges: partners at distance 1, 2, ..., count/2 swap all they hold. Member m
 * starts with elements [starts[m], starts[m + 1]); every member ends with all of them.
 */
export function doubleRanges(builder: ScheduleBuilder, core: Core, starts: readonly number[]): void {
  for (let width = 1; width < core.count; width *= 2) {
    for (let member = 0; member < core.count; member++) {
      const partner = member ^ width;
      sendBlocks(builder, core, member, partner, starts, member - (member % width), width, "copy");
    }
    builder.endStep();
  }
}

/**
 * Recursive doubling of sums: partners at distance 1, 2, ..., count/2 swap whole vectors and add.
 * Both compute the same sum of the same two numbers, so that members agree bit for bit.
 */
export function doubleSums(builder: ScheduleBuilder, core: Core, elements: number): void {
  for (let width = 1; width < core.count; width *= 2) {
    for (let member = 0; member < core.count; member++) {
      const target = memberRank(core, member ^ width);
      builder.send(memberRank(core, member), target, 0, elements, "reduce");
    }
    builder.endStep();
  }
}

/** Ranks outside the core hand their vectors to their neighbour, which adds them. */
export function foldIn(builder: ScheduleBuilder, { extra }: Core, elements: number): void {
  for (let pair = 0; pair < extra; pair++) builder.send(2 * pair, 2 * pair + 1, 0, elements, "reduce");
  builder.endStep();
}

/** Ranks outside the core get the result. */
export function foldOut(builder: ScheduleBuilder, { extra }: Core, elements: number): void {
  for (let pair = 0; pair < extra; pair++) builder.send(2 * pair + 1, 2 * pair, 0, elements, "copy");
  builder.endStep();
}

function sendBlocks(
  builder: ScheduleBuilder,
  core: Core,
  source: number,
  target: number,
  starts: readonly number[],
  first: number,
  count: number,
  kind: "reduce" | "copy",
): void {
  const offset = starts[first]!;
  const length = starts[first + count]! - offset;
  builder.send(memberRank(core, source), memberRank(core, target), offset, length, kind);
}
