import { Lockstep } from "./lockstep.ts";
import type { Traffic } from "./traffic.ts";

/**
 * When each rank is done, if no two messages ever meet: step by step, without events.
 *
 * @returns seconds per rank.
 */
export function finishUncontended(traffic: Traffic): Float64Array {
  const { schedule, elementBytes, paths, jitterSeconds, stepDelaySeconds, times } = traffic;
  const { length } = schedule;
  const { runs, pathOf, latencySeconds, bandwidthBytesPerSecond } = paths;
  const { source, target } = runs;
  const clock = traffic.startSeconds.slice();
  const clockNext = clock.slice();
  const lockstep = new Lockstep(traffic);
  const hasJitter = jitterSeconds.length > 0;
  for (let run = 0; run < runs.count; run++) {
    const first = runs.start[run]!;
    const end = runs.start[run + 1]!;
    for (let round = 0; round < runs.rounds[run]!; round++) {
      const skipped = lockstep.skip(run, round, clock);
      round += skipped;
      let message = runs.firstMessage[run]! + round * (end - first);
      for (let place = first; place < end; place++, message++) {
        const from = source[place]!;
        const to = target[place]!;
        const path = pathOf[place]!;
        const enteredSource = clock[from]! + stepDelaySeconds[from]!;
        const enteredTarget = clock[to]! + stepDelaySeconds[to]!;
        const start = Math.max(enteredSource, enteredTarget);
        const sendSeconds = (length[message]! * elementBytes) / bandwidthBytesPerSecond[path]!;
        let finish = start + latencySeconds[path]! + sendSeconds;
        if (hasJitter) finish += jitterSeconds[message]!;
        if (finish > clockNext[from]!) clockNext[from] = finish;
        if (finish > clockNext[to]!) clockNext[to] = finish;
        if (times === undefined) continue;
        times.startSeconds[message] = start;
        times.finishSeconds[message] = finish;
      }
      for (let place = first; place < end; place++) {
        clock[source[place]!] = clockNext[source[place]!]!;
        clock[target[place]!] = clockNext[target[place]!]!;
      }
    }
  }
  return clock;
}
