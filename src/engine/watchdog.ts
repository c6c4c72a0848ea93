import { RankError } from "../errors.ts";
import type { Control } from "./control.ts";
import { describePlace } from "./place.ts";
import type { ThreadSetup } from "./rank-thread.ts";

/** How often a host should look for stalled threads. */
export const lookMilliseconds = 100;

/** The threads of a host, by number. */
export interface Watched {
  /** Whether it has yet to say that its ranks are there. */
  readonly isStarting: (thread: number) => boolean;
  readonly isBusy: (thread: number) => boolean;
  readonly fail: (thread: number, error: Error) => void;
  /** Seconds on a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * A look at the shared counters that fails the thread whose rank is stuck; to be called again and again.
 *
 * A thread that computes and gets nowhere for the deadline holds the culprit. If all busy threads
 * only wait, the first rank that waits is named. Every look at which all threads but one wait is counted for that one's rank.
 */
export function stallWatch(
  control: Control,
  setups: readonly ThreadSetup[],
  deadlineSeconds: number,
  { isStarting, isBusy, fail, now }: Watched,
): () => void {
  const noteStraggler = (): void => {
    const atWork = [...setups.keys()].filter(
      (thread) => isStarting(thread) || (isBusy(thread) && !control.isWaiting(thread)),
    );
    const [straggler, other] = atWork;
    if (straggler !== undefined && other === undefined && setups.length > 1)
      control.calls.addAwaited(control.currentRankOf(straggler), setups.length - 1);
  };
  const seen = setups.map(() => ({ beats: -1, since: now() }));
  return () => {
    noteStraggler();
    const stuck: number[] = [];
    let busy = 0;
    for (const [thread, last] of seen.entries()) {
      const beats = control.beatsOf(thread);
      if (!isBusy(thread) || beats !== last.beats) Object.assign(last, { beats, since: now() });
      else if (now() - last.since > deadlineSeconds) stuck.push(thread);
      if (isBusy(thread)) busy++;
    }
    const computing = stuck.find((thread) => !control.isWaiting(thread));
    const culprit = computing ?? (stuck.length > 0 && stuck.length === busy ? stuck[0] : undefined);
    if (culprit === undefined) return;
    const rank = control.currentRankOf(culprit);
    const place = describePlace(control.placeOf(rank), setups[culprit]!.workload.scenario);
    fail(culprit, new RankError(rank, place, `made no progress for ${deadlineSeconds} s`));
  };
}
