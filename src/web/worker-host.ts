import type { Control } from "../engine/control.ts";
import type { Host, RemoteThread } from "../engine/host.ts";
import type { ExchangeResult, PassResult } from "../engine/pass-result.ts";
import { PendingCalls } from "../engine/pending-calls.ts";
import { describePlace } from "../engine/place.ts";
import type { ThreadSetup } from "../engine/rank-thread.ts";
import { ReleasedError } from "../engine/released.ts";
import type { TrainingResult } from "../engine/training-rank.ts";
import { lookMilliseconds, stallWatch } from "../engine/watchdog.ts";
import { RankError } from "../errors.ts";
import type { ForwardMode } from "../training/layer.ts";
import { type Calls, callsOn } from "./channel.ts";
import type { RankService } from "./rank-service.ts";

/**
 * One worker a rank while they fit the cores, folded beyond: workers that wait for one another on the same core
 * took 1.4 s of its time for what ranks in turns do in a tenth of it (16 ranks, 2 cores).
 */
export const workersMaximum: number = Math.min(16, Math.max(2, navigator.hardwareConcurrency));
/** How long workers may take to start, on the busiest machine. */
const startMilliseconds = 60_000;
/** After a failure: how long the other workers may take to reach their next wait before they are given up. */
const releaseMilliseconds = 500;

/**
 * Hosts of Web Workers, one for each run, over workers that outlive them: starting one costs more than most runs.
 * Workers of a run that failed are not used again. Needs a cross-origin isolated page, because memory is shared.
 */
export class WorkerHosts {
  #idle: RankWorker[] = [];

  /** Start the workers that a run of so many ranks will want. */
  prepare(worldSize: number): void {
    while (this.#idle.length < Math.min(worldSize, workersMaximum)) this.#idle.push(new RankWorker());
  }

  /** A host for one run; runs do not overlap. */
  host(): Host {
    let workers: RankWorker[] = [];
    let stopWatching = (): void => {};
    let hasFailed = false;
    const now = (): number => performance.now() / 1000;
    const giveUp = (control: Control): void => {
      hasFailed = true;
      control.abort();
      setTimeout(() => {
        for (const worker of workers) worker.fail(new ReleasedError("given up after another rank failed"));
      }, releaseMilliseconds);
    };
    return {
      threadsMaximum: workersMaximum,
      now,
      start: async (setups, control, deadlineSeconds) => {
        workers = setups.map(() => this.#idle.pop() ?? new RankWorker());
        for (const [index, worker] of workers.entries())
          worker.serve(setups[index]!, control, () => giveUp(control));
        const look = stallWatch(control, setups, deadlineSeconds, {
          isStarting: (thread) => !workers[thread]!.hasStarted,
          isBusy: (thread) => workers[thread]!.isBusy,
          fail: (thread, error) => workers[thread]!.fail(error),
          now,
        });
        const timer = setInterval(look, lookMilliseconds);
        stopWatching = () => clearInterval(timer);
        await startAll(workers);
        return workers;
      },
      close: async () => {
        stopWatching();
        if (hasFailed) for (const worker of workers) worker.terminate();
        else this.#idle.push(...workers);
      },
    };
  }
}

async function startAll(workers: readonly RankWorker[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const worker of workers)
      worker.failWith(`its worker did not start in ${startMilliseconds / 1000} s`);
  }, startMilliseconds);
  try {
    await Promise.all(workers.map((worker) => worker.start()));
  } finally {
    clearTimeout(timer);
  }
}

/** One Web Worker of ranks. */
class RankWorker implements RemoteThread {
  readonly #worker: Worker;
  readonly #remote: Calls<RankService>;
  readonly #pending = new PendingCalls();
  #setup: ThreadSetup | undefined;
  #control: Control | undefined;
  #onFailure = (): void => {};
  hasStarted = false;

  constructor() {
    this.#worker = new Worker(new URL("../../workers/rank.web.ts", import.meta.url), { type: "module" });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.failWith(`its worker ended: ${event.message}`);
    };
    this.#remote = callsOn<RankService>(this.#worker);
  }

  /** Whether its ranks should be getting somewhere. */
  get isBusy(): boolean {
    return this.hasStarted && this.#pending.count > 0;
  }

  /** Serve another run from now on. */
  serve(setup: ThreadSetup, control: Control, onFailure: () => void): void {
    this.#setup = setup;
    this.#control = control;
    this.#onFailure = onFailure;
    this.hasStarted = false;
  }

  async start(): Promise<void> {
    await this.#call(this.#remote.start(this.#setup!));
    this.hasStarted = true;
  }

  prepare(microbatch: number): Promise<void> {
    return this.#call(this.#remote.prepare(microbatch));
  }

  pass(normalizer: number, microbatch: number): Promise<PassResult[]> {
    return this.#call(this.#remote.pass(normalizer, microbatch));
  }

  exchange(normalizer: number, microbatch: number): Promise<ExchangeResult[]> {
    return this.#call(this.#remote.exchange(normalizer, microbatch));
  }

  train(normalizer: number, firstStep: number, stepCount: number): Promise<TrainingResult[]> {
    return this.#call(this.#remote.train(normalizer, firstStep, stepCount));
  }

  evaluate(trainingStep: number, batchCount: number, mode: ForwardMode): Promise<TrainingResult[]> {
    return this.#call(this.#remote.evaluate(trainingStep, batchCount, mode));
  }

  /** Reject every call that is under way. */
  fail(error: Error): void {
    if (this.#pending.fail(error) > 0) this.#onFailure();
  }

  /** The same, with the rank that the worker ran last. */
  failWith(what: string): void {
    const rank = this.#control!.currentRankOf(this.#setup!.thread);
    this.fail(
      new RankError(rank, describePlace(this.#control!.placeOf(rank), this.#setup!.workload.scenario), what),
    );
  }

  terminate(): void {
    this.#worker.terminate();
  }

  async #call<T>(call: Promise<T>): Promise<T> {
    try {
      return await this.#pending.settle(call);
    } catch (error) {
      this.#onFailure();
      throw error;
    }
  }
}
