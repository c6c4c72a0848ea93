import type { Schedule } from "../../collectives/schedule.ts";

/** The messages that each rank sends or receives, as lists in step order; a message is in two of them. */
export interface RankMessages {
  /** Per rank: its first entry, −1 if none. Entry 2i is message i at its source, 2i + 1 at its target. */
  readonly firstEntry: Int32Array;
  /** Per entry: the next one of that rank, −1 if none. */
  readonly nextEntry: Int32Array;
  /** Per message: its step. */
  readonly stepOf: Uint32Array;
  /** A bound on the messages under way at once: half of what all ranks wait for, each in its largest step. */
  readonly mostAtOnce: number;
}

/** Thread a schedule's messages on one list per rank. */
export function rankMessages({ ranks, stepCount, stepStart, source, target }: Schedule): RankMessages {
  const firstEntry = new Int32Array(ranks).fill(-1);
  const nextEntry = new Int32Array(2 * source.length);
  const stepOf = new Uint32Array(source.length);
  const countedStep = new Int32Array(ranks).fill(-1);
  const inStep = new Uint32Array(ranks);
  const mostInStep = new Uint32Array(ranks);
  const thread = (rank: number, entry: number, step: number): void => {
    nextEntry[entry] = firstEntry[rank]!;
    firstEntry[rank] = entry;
    const count = countedStep[rank] === step ? inStep[rank]! + 1 : 1;
    countedStep[rank] = step;
    inStep[rank] = count;
    if (count > mostInStep[rank]!) mostInStep[rank] = count;
  };
  for (let step = stepCount - 1; step >= 0; step--) {
    const start = stepStart[step]!;
    for (let i = stepStart[step + 1]! - 1; i >= start; i--) {
      thread(target[i]!, 2 * i + 1, step);
      thread(source[i]!, 2 * i, step);
      stepOf[i] = step;
    }
  }
  const mostAtOnce = Math.ceil(mostInStep.reduce((sum, count) => sum + count, 0) / 2);
  return { firstEntry, nextEntry, stepOf, mostAtOnce };
}
