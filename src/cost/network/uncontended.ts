import type { Traffic } from "./traffic.ts";

/**
 * When each rank is done, if no two messages ever meet: step by step, without events.
 *
 * @returns seconds per rank.
 */
export function finishUncontended(traffic: Traffic): Float64Array {
  const { schedule, elementBytes, paths, jitterSeconds, stepDelaySeconds, times } = traffic;
  const { stepCount, stepStart, source, target, length } = schedule;
  const { pathOf, latencySeconds, bandwidthBytesPerSecond } = paths;
  const clock = traffic.startSeconds.slice();
  const clockNext = clock.slice();
  const hasJitter = jitterSeconds.length > 0;
  for (let step = 0; step < stepCount; step++) {
    const first = stepStart[step]!;
    const end = stepStart[step + 1]!;
    for (let i = first; i < end; i++) {
      const from = source[i]!;
      const to = target[i]!;
      const path = pathOf[i]!;
      const enteredSource = clock[from]! + stepDelaySeconds[from]!;
      const enteredTarget = clock[to]! + stepDelaySeconds[to]!;
      const start = Math.max(enteredSource, enteredTarget);
      const sendSeconds = (length[i]! * elementBytes) / bandwidthBytesPerSecond[path]!;
      let finish = start + latencySeconds[path]! + sendSeconds;
      if (hasJitter) finish += jitterSeconds[i]!;
      if (finish > clockNext[from]!) clockNext[from] = finish;
      if (finish > clockNext[to]!) clockNext[to] = finish;
      if (times === undefined) continue;
      times.startSeconds[i] = start;
      times.finishSeconds[i] = finish;
    }
    for (let i = first; i < end; i++) {
      clock[source[i]!] = clockNext[source[i]!]!;
      clock[target[i]!] = clockNext[target[i]!]!;
    }
  }
  return clock;
}
