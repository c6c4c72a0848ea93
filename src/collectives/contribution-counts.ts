import { assert } from "../assert.ts";
import type { Schedule } from "./schedule.ts";

/** How many values stand behind the two sides of each reducing message; one number per message. */
export interface ContributionCounts {
  /** Behind what the target holds. */
  readonly own: Float64Array;
  /** Behind what arrives. */
  readonly incoming: Float64Array;
}

const known = new WeakMap<Schedule, Map<string, ContributionCounts>>();

/**
 * Follow a schedule with the count of values behind each partial result, which it settles beforehand:
 * no count has to travel with the payload. Worked out once per schedule and counts.
 *
 * @param counts values behind each rank's payload.
 * @throws AssertionError if one message carries partial results of different counts.
 */
export function contributionCounts(schedule: Schedule, counts: readonly number[]): ContributionCounts {
  const ofSchedule = known.get(schedule) ?? new Map<string, ContributionCounts>();
  known.set(schedule, ofSchedule);
  const key = counts.join();
  const found = ofSchedule.get(key) ?? followCounts(schedule, counts);
  ofSchedule.set(key, found);
  return found;
}

function followCounts(schedule: Schedule, counts: readonly number[]): ContributionCounts {
  const { elements, source, target, offset, length, reduces, stepStart } = schedule;
  const held = counts.map((count) => new Float64Array(elements).fill(count));
  const own = new Float64Array(source.length);
  const incoming = new Float64Array(source.length);
  for (let step = 0; step < schedule.stepCount; step++) {
    const end = stepStart[step + 1]!;
    for (let i = stepStart[step]!; i < end; i++) incoming[i] = onlyValue(schedule, i, held[source[i]!]!);
    for (let i = stepStart[step]!; i < end; i++) {
      const values = held[target[i]!]!;
      own[i] = reduces[i] === 1 ? onlyValue(schedule, i, values) : 0;
      for (let k = 0; k < length[i]!; k++) values[(offset[i]! + k) % elements] = own[i]! + incoming[i]!;
    }
  }
  return { own, incoming };
}

/** What all elements of a message's range have in common. */
function onlyValue({ elements, offset, length }: Schedule, message: number, values: Float64Array): number {
  const start = offset[message]!;
  const value = values[start]!;
  for (let k = 1; k < length[message]!; k++) {
    const other = values[(start + k) % elements]!;
    assert(other === value, `message ${message} carries partial results of ${value} and ${other} values`);
  }
  return value;
}
