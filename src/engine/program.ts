import type { Schedule } from "../collectives/schedule.ts";

/** The messages of one rank, ascending: those it sends and those it receives. */
export interface Program {
  readonly sends: Uint32Array;
  readonly receives: Uint32Array;
}

const programs = new WeakMap<Schedule, (Program | undefined)[]>();

/** What one rank of a schedule has to do; worked out once per schedule. */
export function programOf(schedule: Schedule, rank: number): Program {
  let known = programs.get(schedule);
  if (known === undefined) {
    known = splitByRank(schedule);
    programs.set(schedule, known);
  }
  return known[rank]!;
}

/** Sort messages by source and by target, keeping their order. */
function splitByRank(schedule: Schedule): Program[] {
  const bySource = bucket(schedule.source, schedule.ranks);
  const byTarget = bucket(schedule.target, schedule.ranks);
  return Array.from({ length: schedule.ranks }, (_, rank) => ({
    sends: bySource(rank),
    receives: byTarget(rank),
  }));
}

function bucket(keys: Uint32Array, count: number): (key: number) => Uint32Array {
  const start = new Uint32Array(count + 1);
  for (const key of keys) start[key + 1]!++;
  for (let key = 0; key < count; key++) start[key + 1]! += start[key]!;
  const next = start.slice();
  const order = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) order[next[keys[i]!]!++] = i;
  return (key) => order.subarray(start[key]!, start[key + 1]!);
}
