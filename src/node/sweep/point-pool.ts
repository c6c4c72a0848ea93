import { Worker } from "node:worker_threads";
import { controlView } from "../../engine/arena-views.ts";
import { workerEntry } from "../package-files.ts";
import type { BlockWork } from "../spread/block-task.ts";
import { watchForStalls } from "../watchdog.ts";
import { type PointMessage, type PointTask, runTask } from "./point-thread.ts";

/** What runs points, each by itself. */
export interface PointRunner {
  /** Points that run at once. */
  readonly threads: number;
  /**
   * The report of a point, as `storeReport` writes it, or what work of a spread run gave.
   *
   * @throws Error that says in one sentence why there is none; other tasks are not affected.
   */
  run(task: PointTask | BlockWork): Promise<string>;
  /** End every thread, also those that are at a point: its `run` then fails. */
  close(): Promise<void>;
}

/** Points one after the other on the calling thread. */
export const inThisProcess: PointRunner = {
  threads: 1,
  run: (task) => runTask(task, () => {}),
  close: async () => {},
};

/**
 * Threads that run points of a sweep, each point whole on one thread. Points are independent, so this
 * keeps every core at work without a message between cores, and no point waits for threads to start,
 * which takes longer than most points.
 */
export function pointPool(threads: number): PointRunner {
  const all = Array.from({ length: threads }, () => new PointThread());
  const idle = [...all];
  const waiting: ((thread: PointThread) => void)[] = [];
  return {
    threads,
    async run(task) {
      const thread = idle.pop() ?? (await new Promise<PointThread>((resolve) => waiting.push(resolve)));
      try {
        return await thread.run(task);
      } finally {
        const next = waiting.shift();
        if (next === undefined) idle.push(thread);
        else next(thread);
      }
    },
    async close() {
      await Promise.all(all.map((thread) => thread.close()));
    },
  };
}

/** A thread that is started for its first point, and again after a point has ended it. */
class PointThread {
  #worker: Worker | undefined;

  async run(task: PointTask | BlockWork): Promise<string> {
    const worker = this.#worker ?? startWorker();
    this.#worker = worker;
    try {
      return await runOn(worker, task);
    } catch (error) {
      // Whatever went wrong may have left something behind.
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function startWorker(): Worker {
  const { url, options } = workerEntry("sweep");
  return new Worker(url, options);
}

function runOn(worker: Worker, task: PointTask | BlockWork): Promise<string> {
  let stopWatching = (): void => {};
  const outcome = new Promise<string>((resolve, reject) => {
    worker.on("message", (message: PointMessage) => {
      if (message.kind === "done") resolve(message.result);
      else if (message.kind === "failed") reject(pointError(message));
      else stopWatching = watch(message, reject);
    });
    worker.on("error", (cause) => reject(new Error(`its thread ended: ${cause.message}`, { cause })));
    worker.on("exit", (code) => reject(new Error(`its thread ended with exit code ${code}`)));
    worker.postMessage(task);
  });
  return outcome.finally(() => {
    stopWatching();
    // Not all listeners at once: that would also take the ones by which Node delivers messages.
    for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
  });
}

function pointError({ message, stack }: Extract<PointMessage, { kind: "failed" }>): Error {
  const error = new Error(message);
  error.stack = stack;
  return error;
}

/** Look after a thread that cannot be asked while it computes; its counters are in shared memory. */
function watch(
  { setups, deadlineSeconds }: Extract<PointMessage, { kind: "started" }>,
  fail: (error: Error) => void,
): () => void {
  const [setup] = setups;
  if (setup === undefined) return () => {};
  const control = controlView(setup.memory, setup.plan, setup.workload);
  return watchForStalls(control, setups, deadlineSeconds, {
    isStarting: () => false,
    isBusy: () => true,
    fail: (_, error) => fail(error),
  });
}
