import type { Schedule } from "../../collectives/schedule.ts";

/**
 * A schedule folded: runs of steps one after another whose messages have the same sources and targets, as
 * all steps of a ring. Each message of a run's first step is a place, which the later steps, the rounds, fill anew.
 *
 * Whatever does not depend on lengths is known by place. Message = firstMessage[run] + round · width + place −
 * start[run], where the width is that of a step: start[run + 1] − start[run].
 */
export interface Runs {
  readonly count: number;
  /** Per run: its first message. */
  readonly firstMessage: Uint32Array;
  /** Per run: how many steps it has. */
  readonly rounds: Uint32Array;
  /** Per run: 1 if each round sends as many elements over each place as the first. */
  readonly isEven: Uint8Array;
  /** Per run: its first place; and, last, the number of places. */
  readonly start: Uint32Array;
  // Per place.
  readonly source: Uint32Array;
  readonly target: Uint32Array;
}

/** Find the runs of a schedule, each as long as it can be. */
export function runsOf({ stepCount, stepStart, source, target, length }: Schedule): Runs {
  const firstMessage: number[] = [];
  const rounds: number[] = [];
  const isEven: number[] = [];
  const start = [0];
  for (let step = 0; step < stepCount; step++) {
    const first = stepStart[step]!;
    const width = stepStart[step + 1]! - first;
    const isRepeated =
      step > 0 &&
      width === first - stepStart[step - 1]! &&
      repeats(source, first, width) &&
      repeats(target, first, width);
    if (isRepeated) {
      rounds[rounds.length - 1]!++;
      if (isEven.at(-1) === 1 && !repeats(length, first, width)) isEven[isEven.length - 1] = 0;
    } else {
      firstMessage.push(first);
      rounds.push(1);
      isEven.push(1);
      start.push(start.at(-1)! + width);
    }
  }
  const places = (column: Uint32Array): Uint32Array => {
    const folded = new Uint32Array(start.at(-1)!);
    for (const [run, first] of firstMessage.entries())
      folded.set(column.subarray(first, first + start[run + 1]! - start[run]!), start[run]!);
    return folded;
  };
  return {
    count: rounds.length,
    firstMessage: Uint32Array.from(firstMessage),
    rounds: Uint32Array.from(rounds),
    isEven: Uint8Array.from(isEven),
    start: Uint32Array.from(start),
    source: places(source),
    target: places(target),
  };
}

/** Whether the `width` values from `first` on are those before them. */
function repeats(column: Uint32Array, first: number, width: number): boolean {
  for (let i = first; i < first + width; i++) if (column[i] !== column[i - width]) return false;
  return true;
}
