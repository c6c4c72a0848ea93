import type { Schedule } from "../collectives/schedule.ts";

/** Where each message lies in its source's outbox while its step is under way. */
export interface OutboxLayout {
  /** Element offset of each message among the messages its source sends in the same step. */
  readonly offsets: Uint32Array;
  /** Per rank: the most elements it sends in one step. */
  readonly capacities: Uint32Array;
}

/** Lay the messages of every step one after the other in their sources' outboxes. */
export function layOutOutboxes(schedule: Schedule): OutboxLayout {
  const offsets = new Uint32Array(schedule.source.length);
  const capacities = new Uint32Array(schedule.ranks);
  const filled = new Uint32Array(schedule.ranks);
  for (let step = 0; step < schedule.stepCount; step++) {
    const start = schedule.stepStart[step]!;
    const end = schedule.stepStart[step + 1]!;
    for (let i = start; i < end; i++) filled[schedule.source[i]!] = 0;
    for (let i = start; i < end; i++) {
      const source = schedule.source[i]!;
      offsets[i] = filled[source]!;
      filled[source]! += schedule.length[i]!;
      if (filled[source]! > capacities[source]!) capacities[source] = filled[source]!;
    }
  }
  return { offsets, capacities };
}
