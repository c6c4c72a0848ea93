import type { Progress } from "../collectives/communicator.ts";
import { type Control, threadWords } from "./control.ts";
import type { Fabric } from "./fabric.ts";
import { LeftEarly } from "./left-early.ts";
import { ReleasedError } from "./released.ts";

/** How a thread sleeps. The core has no clock: a host gives it one. */
export interface Sleeper {
  /**
   * Sleep until the word no longer holds `value`, or a moment has passed. Returns false if nothing
   * can wake this thread, because all ranks live on it.
   */
  sleep(words: Int32Array, index: number, value: number): boolean;
}

/**
 * Resumes without movement before a thread goes to sleep: about a millisecond, several times as long as it takes to wake one.
 * Threads that slept sooner would find each other asleep ever after (measured: 500 µs a collective instead of 2).
 */
const spinsMaximum = 2000;

/** A rank's program and the error it may end with. */
interface Running {
  readonly rank: number;
  readonly program: Progress<void>;
}

/**
 * Run the programs of a thread's ranks in turns until all have returned.
 *
 * Each is resumed until it has to wait. When none gets further the thread spins, then sleeps on its
 * doorbell; it wakes when a peer has sent or read a message, or when the run is aborted.
 *
 * @throws what a program throws, after telling all other threads to stop; `onError` names the rank.
 */
export function runPrograms(
  programs: readonly Running[],
  fabric: Fabric,
  sleeper: Sleeper,
  onError: (rank: number, error: unknown) => Error,
): void {
  const { control, thread } = fabric;
  const wantsBell = control.threadWord(thread, threadWords.wantsBell);
  let active = programs;
  let spins = 0;
  while (active.length > 0) {
    // Whoever writes looks at this afterwards, and this thread at what was written.
    const isLastLook = spins > spinsMaximum;
    if (isLastLook) Atomics.store(control.words, wantsBell, 1);
    const bell = Atomics.load(control.words, control.threadWord(thread, threadWords.doorbell));
    const ended: Running[] = [];
    let moved = false;
    for (const running of active) {
      const before = fabric.movements;
      control.words[control.threadWord(thread, threadWords.currentRank)] = running.rank;
      const isDone = resume(running, control, onError);
      if (isDone) ended.push(running);
      if (!isDone && fabric.movements === before) continue;
      moved = true;
      Atomics.add(control.words, control.threadWord(thread, threadWords.beats), 1);
    }
    if (ended.length > 0) active = active.filter((running) => !ended.includes(running));
    spins = moved ? 0 : spins + active.length;
    if (!isLastLook) continue;
    if (!moved) sleep(control, thread, bell, sleeper, active, onError);
    Atomics.store(control.words, wantsBell, 0);
  }
}

function resume(
  { rank, program }: Running,
  control: Control,
  onError: (rank: number, error: unknown) => Error,
): boolean {
  try {
    return program.next().done === true;
  } catch (error) {
    if (error instanceof LeftEarly) return true;
    control.abort();
    throw error instanceof ReleasedError ? error : onError(rank, error);
  }
}

function sleep(
  control: Control,
  thread: number,
  bell: number,
  sleeper: Sleeper,
  active: readonly Running[],
  onError: (rank: number, error: unknown) => Error,
): void {
  const waiting = control.threadWord(thread, threadWords.isWaiting);
  Atomics.store(control.words, waiting, 1);
  const canWake = sleeper.sleep(control.words, control.threadWord(thread, threadWords.doorbell), bell);
  Atomics.store(control.words, waiting, 0);
  if (canWake) return;
  const { rank } = active[0]!;
  const awaited = control.placeOf(rank).awaitedRank;
  throw onError(
    rank,
    new Error(`deadlock: rank ${rank} waits for rank ${awaited ?? rank} and no rank can move`),
  );
}
