import type { Progress } from "../collectives/communicator.ts";
import type { Control } from "./control.ts";
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
  let active = [...programs];
  let spins = 0;
  while (active.length > 0) {
    const bell = Atomics.load(control.words, control.threadWord(thread, "doorbell"));
    let moved = false;
    active = active.filter(({ rank, program }) => {
      const before = fabric.movements;
      control.words[control.threadWord(thread, "currentRank")] = rank;
      const isDone = resume(rank, program, control, onError);
      if (isDone || fabric.movements !== before) {
        moved = true;
        Atomics.add(control.words, control.threadWord(thread, "beats"), 1);
      }
      return !isDone;
    });
    spins = moved ? 0 : spins + active.length;
    if (spins > spinsMaximum) {
      sleep(control, thread, bell, sleeper, active, onError);
    }
  }
}

function resume(
  rank: number,
  program: Progress<void>,
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
  const waiting = control.threadWord(thread, "isWaiting");
  Atomics.store(control.words, waiting, 1);
  const canWake = sleeper.sleep(control.words, control.threadWord(thread, "doorbell"), bell);
  Atomics.store(control.words, waiting, 0);
  if (canWake) return;
  const { rank } = active[0]!;
  const awaited = control.placeOf(rank).awaitedRank;
  throw onError(
    rank,
    new Error(`deadlock: rank ${rank} waits for rank ${awaited ?? rank} and no rank can move`),
  );
}
