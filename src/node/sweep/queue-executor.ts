import { QueueError } from "../../errors.ts";
import { readStoredReport } from "../../sweep/stored-report.ts";
import type { SweepFiles } from "./point-inputs.ts";
import { jobOf } from "./point-job.ts";
import { type Outcome, PointQueue } from "./point-queue.ts";
import { parseRedisUrl } from "./redis-address.ts";
import { asQueueError, connectRedis } from "./redis-connection.ts";
import type { KeyedPoint } from "./sweep-points.ts";
import type { PointExecutor, ResultSink } from "./sweep-run.ts";
import { sendFiles } from "./travelling-files.ts";

/** How long a sweep waits. */
export interface Patience {
  /** Without a sign of life of any worker: none took a point, finished one or said that it is at one. */
  readonly silenceSeconds: number;
  /** For a connection that was lost to come back. */
  readonly reconnectSeconds: number;
}

const defaultPatience: Patience = { silenceSeconds: 600, reconnectSeconds: 30 };
const lookMilliseconds = 1000;
/** Between two looks for results whose event was missed. */
const reconcileMilliseconds = 10_000;

/**
 * Runs points by the workers of a Redis; connects at once.
 *
 * @throws ScenarioError if the URL is none; QueueError if there is no connection, and the executor
 *   also if patience ends.
 */
export async function queueExecutor(
  url: string,
  files: SweepFiles,
  patience: Patience = defaultPatience,
): Promise<PointExecutor> {
  const address = parseRedisUrl(url);
  const client = await connectRedis(address);
  return async (points, sink, signal) => {
    const wait = new Wait(points, sink);
    const stopWatching = watchConnection(client, patience, () =>
      wait.giveUp(`${address.shown}: the connection was lost for ${patience.reconnectSeconds} s`),
    );
    let queue: PointQueue | undefined;
    try {
      queue = await Promise.race([PointQueue.open(client, wait), wait.over]);
      await Promise.race([sendFiles(client, files, points).then(() => submit(queue!, wait)), wait.over]);
      await wait.until(signal, queue, patience.silenceSeconds);
    } catch (error) {
      throw asQueueError(error, address);
    } finally {
      // Nobody waits any more for what is left.
      await queue?.withdraw(wait.keys);
      await queue?.close();
      stopWatching();
      client.disconnect();
    }
  };
}

async function submit(queue: PointQueue, wait: Wait): Promise<void> {
  await queue.submit(wait.points.map(jobOf));
  await reconcile(queue, wait);
}

/** Take what has finished without our hearing of it, and submit again what was taken from the queue. */
async function reconcile(queue: PointQueue, wait: Wait): Promise<void> {
  const lost = new Set<string>();
  for (const [key, outcome] of await queue.outcomes(wait.keys)) {
    if (outcome === null) lost.add(key);
    else wait.finished(key, outcome);
  }
  await queue.submit(wait.points.filter(({ key }) => lost.has(key)).map(jobOf));
}

function watchConnection(
  client: Awaited<ReturnType<typeof connectRedis>>,
  { reconnectSeconds }: Patience,
  giveUp: () => void,
): () => void {
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

/** The points that a sweep waits for. */
class Wait {
  /** Rejects when patience ends. */
  readonly over: Promise<never>;
  readonly #pending: Map<string, KeyedPoint>;
  readonly #sink: ResultSink;
  #giveUp: (error: Error) => void = () => {};
  #wake: () => void = () => {};
  #heard = performance.now();
  #hasWorker = false;

  constructor(points: readonly KeyedPoint[], sink: ResultSink) {
    this.#pending = new Map(points.map((point) => [point.key, point]));
    this.#sink = sink;
    this.over = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    // It is raced where somebody waits; at other times nobody does.
    this.over.catch(() => {});
  }

  get points(): KeyedPoint[] {
    return [...this.#pending.values()];
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

  /** Events of other sweeps' points come here too, and are not ours. */
  finished(key: string, outcome: Outcome): void {
    this.alive();
    const point = this.#pending.get(key);
    if (point === undefined) return;
    this.#pending.delete(key);
    try {
      this.#hand(point, outcome);
    } catch (error) {
      // An event's listener has nobody to throw to.
      this.#giveUp(error as Error);
    }
    if (this.#pending.size === 0) this.#wake();
  }

  #hand(point: KeyedPoint, outcome: Outcome): void {
    if ("failure" in outcome) this.#sink.failure(point, outcome.failure);
    else if (readStoredReport(outcome.report) === undefined)
      this.#sink.failure(point, "the worker's result is not a report of this version");
    else this.#sink.report(point, outcome.report);
  }

  /** Until every point has finished or the signal aborts. */
  async until(signal: AbortSignal, queue: PointQueue, silenceSeconds: number): Promise<void> {
    const finished = new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted || this.#pending.size === 0) resolve();
    });
    let looked = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.#sink.progress(this.#hasWorker ? "" : "no worker has taken one yet");
      if (now - this.#heard > silenceSeconds * 1000)
        this.giveUp(
          `no worker was heard of for ${silenceSeconds} s, and ${this.#pending.size} points wait; start one with normsim worker --redis URL`,
        );
      if (now - looked < reconcileMilliseconds) return;
      looked = now;
      reconcile(queue, this).catch(this.#giveUp);
    }, lookMilliseconds);
    try {
      await Promise.race([finished, this.over]);
    } finally {
      clearInterval(timer);
    }
  }
}
