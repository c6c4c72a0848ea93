import type { Control } from "../engine/control.ts";
import { describePlace } from "../engine/place.ts";
import type { ThreadSetup } from "../engine/rank-thread.ts";
import { RankError } from "../errors.ts";

const lookMilliseconds = 100;

interface Watched {
  readonly isBusy: (thread: number) => boolean;
  readonly fail: (thread: number, error: Error) => void;
}

/**
 * Look at the shared counters until told to stop, and fail the thread whose rank is stuck.
 *
 * A thread that computes and gets nowhere for the deadline holds the culprit. If all busy threads
 * only wait, the culprit is the first rank that waits.
 */
export function watchForStalls(
  control: Control,
  setups: readonly ThreadSetup[],
  deadlineSeconds: number,
  { isBusy, fail }: Watched,
): () => void {
  const seen = setups.map(() => ({ beats: -1, since: performance.now() }));
  const timer = setInterval(() => {
    const now = performance.now();
    const stuck: number[] = [];
    let busy = 0;
    for (const [thread, last] of seen.entries()) {
      const beats = control.beatsOf(thread);
      if (!isBusy(thread) || beats !== last.beats) Object.assign(last, { beats, since: now });
      else if (now - last.since > deadlineSeconds * 1000) stuck.push(thread);
      if (isBusy(thread)) busy++;
    }
    const computing = stuck.find((thread) => !control.isWaiting(thread));
    const culprit = computing ?? (stuck.length > 0 && stuck.length === busy ? stuck[0] : undefined);
    if (culprit === undefined) return;
    const rank = control.currentRankOf(culprit);
    const place = describePlace(control.placeOf(rank), setups[culprit]!.workload.scenario);
    fail(culprit, new RankError(rank, place, `made no progress for ${deadlineSeconds} s`));
  }, lookMilliseconds);
  return () => clearInterval(timer);
}
