import type { Schedule } from "../../src/collectives/schedule.ts";

/**
 * Run a schedule on plain arrays, one element at a time: the slow reference for what a schedule means.
 *
 * `vectors` has one array of schedule.elements per rank and is changed in place. Every send reads a
 * copy taken when its step began; messages apply in order; a reduction is own + incoming.
 */
export function executeSchedule(schedule: Schedule, vectors: readonly Float64Array[]): void {
  for (let step = 0; step < schedule.stepCount; step++) {
    const before = vectors.map((vector) => vector.slice());
    for (let i = schedule.stepStart[step]!; i < schedule.stepStart[step + 1]!; i++) {
      const incoming = before[schedule.source[i]!]!;
      const own = vectors[schedule.target[i]!]!;
      for (let k = 0; k < schedule.length[i]!; k++) {
        const at = (schedule.offset[i]! + k) % schedule.elements;
        own[at] = schedule.reduces[i] === 1 ? own[at]! + incoming[at]! : incoming[at]!;
      }
    }
  }
}
