import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Control } from "../engine/control.ts";
import type { Host, RemoteThread } from "../engine/host.ts";
import type { ExchangeResult, PassResult } from "../engine/pass-result.ts";
import { PendingCalls } from "../engine/pending-calls.ts";
import { describePlace } from "../engine/place.ts";
import type { ThreadSetup } from "../engine/rank-thread.ts";
import { ReleasedError } from "../engine/released.ts";
import type { TrainingResult } from "../engine/training-rank.ts";
import { RankError } from "../errors.ts";
import type { ForwardMode } from "../training/layer.ts";
import { workerEntry } from "./package-files.ts";
import { connectRankThread, type RemoteRankThread } from "./rank-channel.ts";
import { watchForStalls } from "./watchdog.ts";

/** How long worker threads may take to start, on the busiest machine. */
const startMilliseconds = 60_000;
/** After a failure: how long the other threads may take to reach their next wait before they are given up. */
const releaseMilliseconds = 500;

/** Worker threads for the ranks: one never-ending task a thread, because a pool does not address its threads. */
export interface PiscinaHostOptions {
  /** Default: the cores this process may use. */
  readonly threads?: number;
  /** Most megabytes of JavaScript heap a thread may fill; arrays of data do not count. Default: Node's. */
  readonly heapMegabytes?: number;
  /** Threads to start at once instead of with the simulation. Such a host has to be closed even if it is never used. */
  readonly earlyThreads?: number;
}

/** A host of worker threads. One host runs one simulation. */
export function piscinaHost(options: PiscinaHostOptions = {}): Host {
  const threadsMaximum = options.threads ?? availableParallelism();
  const startPool = (threads: number): Piscina =>
    createPool(Math.min(threads, threadsMaximum), threadsMaximum, options.heapMegabytes);
  let pool = options.earlyThreads === undefined ? null : startPool(options.earlyThreads);
  let threads: WorkerThread[] = [];
  let stopWatching = (): void => {};
  return {
    threadsMaximum,
    now: () => performance.now() / 1000,
    async start(setups, control, deadlineSeconds) {
      pool ??= startPool(setups.length);
      threads = setups.map((setup) => new WorkerThread(pool!, setup, control));
      stopWatching = watchForStalls(control, setups, deadlineSeconds, {
        isStarting: (thread) => !threads[thread]!.hasStarted,
        isBusy: (thread) => threads[thread]!.isBusy,
        fail: (thread, error) => threads[thread]!.fail(error),
      });
      for (const thread of threads) thread.onFailure = () => releaseAll(threads, control);
      await startAll(threads);
      return threads;
    },
    async close() {
      stopWatching();
      for (const thread of threads) thread.close();
      await pool?.destroy();
    },
  };
}

async function startAll(threads: readonly WorkerThread[]): Promise<void> {
  const timer = setTimeout(() => {
    const what = `its thread did not start in ${startMilliseconds / 1000} s`;
    for (const thread of threads) thread.fail(new RankError(thread.firstRank, "starting", what));
  }, startMilliseconds);
  try {
    await Promise.all(threads.map((thread) => thread.ready));
  } finally {
    clearTimeout(timer);
  }
}

function releaseAll(threads: readonly WorkerThread[], control: Control): void {
  control.abort();
  setTimeout(() => {
    for (const thread of threads) thread.fail(new ReleasedError("given up after another rank failed"));
  }, releaseMilliseconds).unref();
}

/** A pool of `threads` threads that grows to as many as there are tasks, up to `maximum`. */
function createPool(threads: number, maximum: number, heapMegabytes: number | undefined): Piscina {
  const { url, options } = workerEntry("rank");
  const pool = new Piscina({
    filename: url.href,
    ...options,
    minThreads: threads,
    maxThreads: maximum,
    // Tasks wait here for threads that are still being added; there are never more tasks than threads.
    maxQueue: maximum,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: "disabled",
    ...(heapMegabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
  });
  // Every task's own promise carries the same error.
  pool.on("error", () => {});
  return pool;
}

/** One worker thread; its calls hang on its task. */
class WorkerThread implements RemoteThread {
  /** Settles when the thread has built its ranks. */
  readonly ready: Promise<void>;
  readonly firstRank: number;
  onFailure: () => void = () => {};
  readonly #port: MessagePort;
  readonly #remote: RemoteRankThread;
  readonly #pending = new PendingCalls();
  #isClosed = false;
  hasStarted = false;

  constructor(pool: Piscina, setup: ThreadSetup, control: Control) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    this.firstRank = setup.plan.blocks[setup.thread]!.first;
    this.ready = this.#pending.settle(
      new Promise((resolve) => {
        port2.once("message", () => {
          this.hasStarted = true;
          resolve();
        });
      }),
    );
    this.#remote = connectRankThread(port2);
    const ended = (cause: unknown): void => {
      if (this.#isClosed) return;
      const rank = control.currentRankOf(setup.thread);
      const place = describePlace(control.placeOf(rank), setup.workload.scenario);
      const reason = cause instanceof Error ? cause.message : "it returned";
      this.fail(new RankError(rank, place, `its thread ended: ${reason}`, { cause }));
    };
    pool.run({ port: port1, setup }, { transferList: [port1] }).then(ended, ended);
  }

  /** Whether its ranks should be getting somewhere. */
  get isBusy(): boolean {
    return this.hasStarted && this.#pending.count > 0;
  }

  prepare(microbatch: number): Promise<void> {
    return this.#pending.settle(this.#remote.prepare(microbatch));
  }

  pass(normalizer: number, microbatch: number): Promise<PassResult[]> {
    return this.#pending.settle(this.#remote.pass(normalizer, microbatch));
  }

  exchange(normalizer: number, microbatch: number): Promise<ExchangeResult[]> {
    return this.#pending.settle(this.#remote.exchange(normalizer, microbatch));
  }

  train(normalizer: number, firstStep: number, stepCount: number): Promise<TrainingResult[]> {
    return this.#pending.settle(this.#remote.train(normalizer, firstStep, stepCount));
  }

  evaluate(trainingStep: number, batchCount: number, mode: ForwardMode): Promise<TrainingResult[]> {
    return this.#pending.settle(this.#remote.evaluate(trainingStep, batchCount, mode));
  }

  /** Reject every call that is under way. */
  fail(error: Error): void {
    if (this.#pending.fail(error) > 0) this.onFailure();
  }

  close(): void {
    this.#isClosed = true;
    this.#port.close();
  }
}
