import type { Schedule } from "./schedule.ts";
import { SumTable } from "./sum-table.ts";

/** Which partial sums an all-reduce adds: one tree of sums per segment of the vector. */
export interface ReductionOrder {
  readonly sums: SumTable;
  /** Segment s holds elements starts[s] <= element < starts[s + 1]; the last start is the number of elements. */
  readonly starts: Uint32Array;
  /** Of each segment: the sum, in `sums`, with which every rank ends. */
  readonly roots: Uint32Array;
}

const known = new WeakMap<Schedule, ReductionOrder | null>();

/**
 * Follow an all-reduce with names of sums instead of numbers. Worked out once per schedule.
 *
 * Whoever adds the same two partial sums gets the same bits, in whichever order (IEEE 754 addition commutes),
 * so that values added in this order are the values the schedule's messages would have left on every rank.
 *
 * @returns null if ranks would end with sums that were added in different orders.
 */
export function reductionOrderOf(schedule: Schedule): ReductionOrder | null {
  let order = known.get(schedule);
  if (order === undefined) {
    order = follow(schedule);
    known.set(schedule, order);
  }
  return order;
}

function follow(schedule: Schedule): ReductionOrder | null {
  const { ranks, stepCount, stepStart, source, target, reduces } = schedule;
  const { starts, segmentAt } = cut(schedule);
  const segments = starts.length - 1;
  const sums = new SumTable(ranks);
  const held = new Uint32Array(ranks * segments);
  for (let rank = 0; rank < ranks; rank++) held.fill(rank, rank * segments, (rank + 1) * segments);
  /** What the messages of a step carry, one after the other: as it was when the step began. */
  const carried: number[] = [];
  const eachSegment = (message: number, visit: (segment: number) => void): void => {
    let left = schedule.length[message]!;
    let segment = segmentAt[schedule.offset[message]!]!;
    while (left > 0) {
      visit(segment);
      left -= starts[segment + 1]! - starts[segment]!;
      segment = (segment + 1) % segments;
    }
  };
  for (let step = 0; step < stepCount; step++) {
    const [first, end] = [stepStart[step]!, stepStart[step + 1]!];
    carried.length = 0;
    for (let i = first; i < end; i++) {
      const from = source[i]! * segments;
      eachSegment(i, (segment) => carried.push(held[from + segment]!));
    }
    let next = 0;
    for (let i = first; i < end; i++) {
      const to = target[i]! * segments;
      eachSegment(i, (segment) => {
        const incoming = carried[next++]!;
        held[to + segment] = reduces[i] === 1 ? sums.of(held[to + segment]!, incoming) : incoming;
      });
    }
  }
  const roots = held.slice(0, segments);
  const isSame = held.every((sum, at) => sum === roots[at % segments]);
  return isSame ? { sums, starts, roots } : null;
}

/** Cut the vector wherever a message begins or ends. */
function cut({ elements, offset, length }: Schedule): { starts: Uint32Array; segmentAt: Uint32Array } {
  const segmentAt = new Uint32Array(elements + 1);
  segmentAt[0] = 1;
  for (let i = 0; i < offset.length; i++) {
    segmentAt[offset[i]!] = 1;
    segmentAt[(offset[i]! + length[i]!) % elements] = 1;
  }
  const starts: number[] = [];
  for (let element = 0; element < elements; element++) {
    if (segmentAt[element] === 1) starts.push(element);
    segmentAt[element] = starts.length - 1;
  }
  return { starts: Uint32Array.from([...starts, elements]), segmentAt };
}
