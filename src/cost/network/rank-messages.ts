import type { Runs } from "./runs.ts";

/** The places where each rank sends or receives, as lists in step order; a place is on two of them. */
export interface RankMessages {
  /** Per rank: its first entry, −1 if none. Entry 2i is place i at its source, 2i + 1 at its target. */
  readonly firstEntry: Int32Array;
  /** Per entry: the next one of that rank, −1 if none. */
  readonly nextEntry: Int32Array;
  /** Per place: its run. */
  readonly runOf: Uint32Array;
  /** A bound on the messages under way at once: half of what all ranks wait for, each in its largest step. */
  readonly mostAtOnce: number;
}

/** Thread the places on one list per rank. */
export function rankMessages({ count, start, source, target }: Runs, ranks: number): RankMessages {
  const firstEntry = new Int32Array(ranks).fill(-1);
  const nextEntry = new Int32Array(2 * source.length);
  const runOf = new Uint32Array(source.length);
  const countedRun = new Int32Array(ranks).fill(-1);
  const inStep = new Uint32Array(ranks);
  const mostInStep = new Uint32Array(ranks);
  const thread = (rank: number, entry: number, run: number): void => {
    nextEntry[entry] = firstEntry[rank]!;
    firstEntry[rank] = entry;
    const inRun = countedRun[rank] === run ? inStep[rank]! + 1 : 1;
    countedRun[rank] = run;
    inStep[rank] = inRun;
    if (inRun > mostInStep[rank]!) mostInStep[rank] = inRun;
  };
  for (let run = count - 1; run >= 0; run--) {
    for (let i = start[run + 1]! - 1; i >= start[run]!; i--) {
      thread(target[i]!, 2 * i + 1, run);
      thread(source[i]!, 2 * i, run);
      runOf[i] = run;
    }
  }
  const mostAtOnce = Math.ceil(mostInStep.reduce((sum, most) => sum + most, 0) / 2);
  return { firstEntry, nextEntry, runOf, mostAtOnce };
}
