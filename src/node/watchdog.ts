import type { Control } from "../engine/control.ts";
import type { ThreadSetup } from "../engine/rank-thread.ts";
import { lookMilliseconds, stallWatch, type Watched } from "../engine/watchdog.ts";

/** Look at the shared counters until told to stop, and fail the thread whose rank is stuck. */
export function watchForStalls(
  control: Control,
  setups: readonly ThreadSetup[],
  deadlineSeconds: number,
  watched: Omit<Watched, "now">,
): () => void {
  const now = (): number => performance.now() / 1000;
  const timer = setInterval(
    stallWatch(control, setups, deadlineSeconds, { ...watched, now }),
    lookMilliseconds,
  );
  return () => clearInterval(timer);
}
