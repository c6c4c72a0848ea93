import { QueueError } from "../../errors.ts";
import { type Outcome, PointQueue } from "./point-queue.ts";
import type { RedisAddress } from "./redis-address.ts";
import { asQueueError, type connectRedis } from "./redis-connection.ts";

type Client = Awaited<ReturnType<typeof connectRedis>>;

/** How long whoever submitted jobs waits. */
export interface Patience {
  /** Without a sign of life of any worker: none took a job, finished one or said that it is at one. */
  readonly silenceSeconds: number;
  /** For a connection that was lost to come back. */
  readonly reconnectSeconds: number;
}

export const defaultPatience: Patience = { silenceSeconds: 600, reconnectSeconds: 30 };
const lookMilliseconds = 1000;
/** Between two looks for results whose event was missed. */
const reconcileMilliseconds = 10_000;

/** What is done with jobs that are waited for. */
export interface JobHandling<T> {
  submit(queue: PointQueue, items: readonly T[]): Promise<void>;
  finished(item: T, outcome: Outcome): void;
  /** Time has passed. `note` says what is worth knowing meanwhile; it may be empty. */
  progress(note: string): void;
  /** What items are called, in the plural, where patience ends. */
  readonly what: string;
}

/** Where jobs are submitted and waited for. */
export interface QueuePlace {
  readonly client: Client;
  readonly address: RedisAddress;
  readonly patience: Patience;
}

/**
 * Submit jobs, one for each item by its key, and wait until all have finished or the signal aborts.
 *
 * @throws QueueError if Redis fails, or patience ends.
 */
export async function awaitJobs<T extends { readonly key: string }>(
  { client, address, patience }: QueuePlace,
  items: readonly T[],
  handling: JobHandling<T>,
  signal: AbortSignal,
): Promise<void> {
  const wait = new Wait(items, handling);
  const stopWatching = watchConnection(client, patience, () =>
    wait.giveUp(`${address.shown}: the connection was lost for ${patience.reconnectSeconds} s`),
  );
  let queue: PointQueue | undefined;
  try {
    queue = await Promise.race([PointQueue.open(client, wait), wait.over]);
    await Promise.race([wait.submitTo(queue), wait.over]);
    await wait.until(signal, queue, patience.silenceSeconds);
  } catch (error) {
    throw asQueueError(error, address);
  } finally {
    // Nobody waits any more for what is left.
    await queue?.withdraw(wait.keys);
    await queue?.close();
    stopWatching();
  }
}

function watchConnection(client: Client, { reconnectSeconds }: Patience, giveUp: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onClose = (): void => {
    timer ??= setTimeout(giveUp, reconnectSeconds * 1000);
  };
  const onReady = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  client.on("close", onClose).on("ready", onReady);
  return () => {
    client.off("close", onClose).off("ready", onReady);
    clearTimeout(timer);
  };
}

/** The jobs that are waited for. */
class Wait<T extends { readonly key: string }> {
  /** Rejects when patience ends. */
  readonly over: Promise<never>;
  readonly #pending: Map<string, T>;
  readonly #handling: JobHandling<T>;
  #giveUp: (error: Error) => void = () => {};
  #wake: () => void = () => {};
  #heard = performance.now();
  #hasWorker = false;

  constructor(items: readonly T[], handling: JobHandling<T>) {
    this.#pending = new Map(items.map((item) => [item.key, item]));
    this.#handling = handling;
    this.over = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // It is raced where somebody waits; at other times nobody does.
    this.over.catch(() => {});
  }

  get keys(): string[] {
    return [...this.#pending.keys()];
  }

  giveUp(message: string): void {
    this.#giveUp(new QueueError(message));
  }

  alive(): void {
    this.#heard = performance.now();
    this.#hasWorker = true;
  }

  /** Submit all, and take what was done before we listened. */
  async submitTo(queue: PointQueue): Promise<void> {
    await this.#handling.submit(queue, [...this.#pending.values()]);
    await this.#reconcile(queue);
  }

  /** Events of jobs that others wait for come here too, and are not ours. */
  finished(key: string, outcome: Outcome): void {
    this.alive();
    const item = this.#pending.get(key);
    if (item === undefined) return;
    this.#pending.delete(key);
    try {
      this.#handling.finished(item, outcome);
    } catch (error) {
      // An event's listener has nobody to throw to.
      this.#giveUp(error as Error);
    }
    if (this.#pending.size === 0) this.#wake();
  }

  /** Take what has finished without our hearing of it, and submit again what was taken from the queue. */
  async #reconcile(queue: PointQueue): Promise<void> {
    const lost: T[] = [];
    for (const [key, outcome] of await queue.outcomes(this.keys)) {
      const item = this.#pending.get(key);
      if (outcome !== null) this.finished(key, outcome);
      else if (item !== undefined) lost.push(item);
    }
    if (lost.length > 0) await this.#handling.submit(queue, lost);
  }

  /** Until every job has finished or the signal aborts. */
  async until(signal: AbortSignal, queue: PointQueue, silenceSeconds: number): Promise<void> {
    const stop = (): void => this.#wake();
    signal.addEventListener("abort", stop);
    const finished = new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (signal.aborted || this.#pending.size === 0) resolve();
    });
    let looked = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.#handling.progress(this.#hasWorker ? "" : "no worker has taken one yet");
      if (now - this.#heard > silenceSeconds * 1000)
        this.giveUp(
          `no worker was heard of for ${silenceSeconds} s, and ${this.#pending.size} ${this.#handling.what} wait; start one with normsim worker --redis URL`,
        );
      if (now - looked < reconcileMilliseconds) return;
      looked = now;
      this.#reconcile(queue).catch(this.#giveUp);
    }, lookMilliseconds);
    try {
      await Promise.race([finished, this.over]);
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", stop);
    }
  }
}
