import { parentPort } from "node:worker_threads";
import { assert } from "../../assert.ts";
import type { Host } from "../../engine/host.ts";
import { inProcessHost } from "../../engine/in-process-host.ts";
import type { ThreadSetup } from "../../engine/rank-thread.ts";
import type { NpyBatches } from "../../scenario/npy-source.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { simulate } from "../../simulate.ts";
import { storeReport } from "../../sweep/stored-report.ts";
import { type BlockWork, runBlockWork } from "../spread/block-task.ts";

/** A point to run: plain data. */
export interface PointTask {
  readonly scenario: Scenario;
  readonly batches: NpyBatches | null;
}

/** What a thread says about the point it runs. */
export type PointMessage =
  | { readonly kind: "started"; readonly setups: readonly ThreadSetup[]; readonly deadlineSeconds: number }
  | { readonly kind: "done"; readonly result: string }
  | { readonly kind: "failed"; readonly message: string; readonly stack: string };

/**
 * Run a point with all its ranks on the calling thread. `onStart` is given what a watchdog needs.
 *
 * @returns the report as `storeReport` writes it.
 */
export async function runPoint(
  { scenario, batches }: PointTask,
  onStart: (setups: readonly ThreadSetup[], deadlineSeconds: number) => void,
): Promise<string> {
  const inProcess = inProcessHost(() => 0);
  const host: Host = {
    ...inProcess,
    start(setups, control, deadlineSeconds) {
      onStart(setups, deadlineSeconds);
      return inProcess.start(setups, control, deadlineSeconds);
    },
  };
  return storeReport(await simulate(scenario, { host, ...(batches === null ? {} : { batches }) }));
}

/** Run a point, or work of a spread run. */
export function runTask(
  task: PointTask | BlockWork,
  onStart: (setups: readonly ThreadSetup[], deadlineSeconds: number) => void,
): Promise<string> {
  return "call" in task
    ? runBlockWork(task, (setup) => onStart([setup], task.scenario.deadlineSeconds))
    : runPoint(task, onStart);
}

/** Run every point that the parent sends, one at a time, for as long as the thread lives. */
export function servePoints(): void {
  const port = parentPort;
  assert(port !== null, "points are served by a worker thread");
  const say = (message: PointMessage): void => port.postMessage(message);
  port.on("message", (task: PointTask | BlockWork) => {
    runTask(task, (setups, deadlineSeconds) => say({ kind: "started", setups, deadlineSeconds })).then(
      (result) => say({ kind: "done", result }),
      (error: unknown) => {
        const { message, stack } = error instanceof Error ? error : new Error(String(error));
        say({ kind: "failed", message, stack: stack ?? "" });
      },
    );
  });
}
