import type {
  ConnectionOptions,
  FlowProducer,
  Job,
  JobsOptions,
  Queue,
  QueueEvents,
  RateLimiterOptions,
  Worker,
} from "bullmq";
import type { BlockJob } from "../spread/block-job.ts";
import type { PointJob } from "./point-job.ts";

type Client = Awaited<ReturnType<typeof import("./redis-connection.ts").connectRedis>>;

/** Every key in Redis begins with the prefix; a queue's name must not hold a colon. */
const prefix = "normsim";
const queueName = "points";
/** How long a result stays in Redis, for a sweep that lost its connection. */
const keptSeconds = 3600;
/** A worker that does not renew its lock for this long is dead, and its point another's. */
const lockMilliseconds = 6000;
const stalledCheckMilliseconds = 2000;
/** Submitted at once; more would hold up other users of the connection. */
const batchPoints = 200;
const closeMilliseconds = 1000;

const jobOptions: JobsOptions = {
  attempts: 3,
  backoff: { type: "fixed", delay: 1000 },
  removeOnComplete: { age: keptSeconds },
  removeOnFail: { age: keptSeconds },
};

/** How a job ended on some worker. */
export type Outcome = { readonly result: string } | { readonly failure: string };

/** A job by its id. */
export interface FlowJob {
  readonly key: string;
  readonly data: BlockJob;
}

/** A job that is run when its children have been, and sees what they returned; it fails with any of them. */
export interface JobFlow extends FlowJob {
  readonly children: readonly FlowJob[];
}

/** What a sweep hears of its points. */
export interface QueueListener {
  finished(key: string, outcome: Outcome): void;
  /** A worker took a point, or is still at one. */
  alive(): void;
}

/** The queue as a sweep sees it. */
export class PointQueue {
  readonly #queue: Queue<PointJob, string>;
  readonly #events: QueueEvents;
  readonly #flows: FlowProducer;

  private constructor(queue: Queue<PointJob, string>, events: QueueEvents, flows: FlowProducer) {
    this.#queue = queue;
    this.#events = events;
    this.#flows = flows;
  }

  static async open(client: Client, listener: QueueListener): Promise<PointQueue> {
    const { FlowProducer, Queue, QueueEvents } = await import("bullmq");
    const options = { connection: client as unknown as ConnectionOptions, prefix };
    const queue = new Queue<PointJob, string>(queueName, options);
    const events = new QueueEvents(queueName, options);
    // Whether the connection comes back is seen on the client itself.
    const flows = new FlowProducer(options);
    queue.on("error", () => {});
    flows.on("error", () => {});
    events.on("error", () => {});
    events.on("completed", ({ jobId, returnvalue }) => listener.finished(jobId, { result: returnvalue }));
    events.on("failed", ({ jobId, failedReason }) => listener.finished(jobId, { failure: failedReason }));
    events.on("active", () => listener.alive());
    events.on("progress", () => listener.alive());
    await events.waitUntilReady();
    return new PointQueue(queue, events, flows);
  }

  /** Submit points; one that is there already, by this sweep or another, is not submitted twice. */
  async submit(points: readonly PointJob[]): Promise<void> {
    for (let first = 0; first < points.length; first += batchPoints) {
      const batch = points.slice(first, first + batchPoints);
      const known = await Promise.all(batch.map(({ key }) => this.#queue.getJob(key)));
      // A point that failed for an earlier sweep gets its attempts anew.
      await Promise.all(known.map((job) => (hasFailed(job) ? job?.remove() : undefined)));
      await this.#queue.addBulk(
        batch.map((data) => ({ name: "point", data, opts: { ...jobOptions, jobId: data.key } })),
      );
    }
  }

  /** Submit a job and those it waits for. */
  async submitFlow({ key, data, children }: JobFlow): Promise<void> {
    const place = { queueName, prefix };
    const childOptions = { ...jobOptions, failParentOnFailure: true };
    await this.#flows.add({
      ...{ ...place, name: "merge", data, opts: { ...jobOptions, jobId: key } },
      children: children.map((child) => ({
        ...{ ...place, name: "block", data: child.data, opts: { ...childOptions, jobId: child.key } },
      })),
    });
  }

  /** What became of points, for those whose event was missed; null: it is not in the queue at all. */
  async outcomes(keys: readonly string[]): Promise<Map<string, Outcome | null>> {
    const found = new Map<string, Outcome | null>();
    for (let first = 0; first < keys.length; first += batchPoints) {
      const batch = keys.slice(first, first + batchPoints);
      const jobs = await Promise.all(batch.map((key) => this.#queue.getJob(key)));
      for (const [index, job] of jobs.entries()) {
        if (job === undefined) found.set(batch[index]!, null);
        else if (hasFailed(job)) found.set(job.id!, { failure: job.failedReason });
        else if (job.finishedOn !== undefined) found.set(job.id!, { result: job.returnvalue });
      }
    }
    return found;
  }

  /** Take back points that no worker has begun, as far as Redis answers. */
  async withdraw(keys: readonly string[]): Promise<void> {
    await within(closeMilliseconds, Promise.allSettled(keys.map((key) => this.#queue.remove(key))));
  }

  async close(): Promise<void> {
    await within(
      closeMilliseconds,
      Promise.allSettled([this.#queue.close(), this.#events.close(), this.#flows.close()]),
    );
  }
}

function hasFailed(job: Job<PointJob, string> | undefined): boolean {
  return job?.finishedOn !== undefined && job.failedReason !== undefined && job.failedReason !== "";
}

/** What a worker does with a job that it took. */
export interface JobHandler {
  /**
   * The result, or why there is none; `isFinal`: another attempt would end the same way.
   *
   * @param children what the job's children returned, by their ids.
   */
  run(
    data: unknown,
    children: () => Promise<ReadonlyMap<string, string>>,
  ): Promise<Outcome & { readonly isFinal?: boolean }>;
}

/** How often a worker says that it is still at a point. */
const aliveMilliseconds = 15_000;

/** How fast a worker takes jobs. */
export interface Pace {
  /** Jobs at once. */
  readonly concurrency: number;
  /** Jobs begun a second by all workers of the queue together, which a counter in Redis holds them to. Absent: no limit. */
  readonly rate?: number;
}

/** A whole number of jobs in a time: 2.5 a second are 2 in 800 ms. */
function limiterOf(rate: number): RateLimiterOptions {
  const max = Math.max(1, Math.floor(rate));
  return { max, duration: Math.ceil((1000 * max) / rate) };
}

/** Take jobs from the queue until closed. */
export async function serveQueue(client: Client, pace: Pace, handler: JobHandler): Promise<Worker> {
  const { UnrecoverableError, Worker } = await import("bullmq");
  const worker = new Worker<PointJob, string>(
    queueName,
    async (job) => {
      const timer = setInterval(() => void job.updateProgress(1).catch(() => {}), aliveMilliseconds);
      try {
        const outcome = await handler.run(job.data, () => childrenOf(job));
        if ("result" in outcome) return outcome.result;
        throw outcome.isFinal === true ? new UnrecoverableError(outcome.failure) : new Error(outcome.failure);
      } finally {
        clearInterval(timer);
      }
    },
    {
      connection: client as unknown as ConnectionOptions,
      prefix,
      concurrency: pace.concurrency,
      ...(pace.rate !== undefined && { limiter: limiterOf(pace.rate) }),
      lockDuration: lockMilliseconds,
      stalledInterval: stalledCheckMilliseconds,
      maxStalledCount: 3,
    },
  );
  await worker.waitUntilReady();
  return worker;
}

/** A child is named by the prefix, its queue and its id. */
async function childrenOf(job: Job<PointJob, string>): Promise<Map<string, string>> {
  const values = await job.getChildrenValues<string>();
  const start = `${prefix}:${queueName}:`.length;
  return new Map(Object.entries(values).map(([key, value]) => [key.slice(start), value]));
}

function within(milliseconds: number, work: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return Promise.race([work, deadline]).finally(() => clearTimeout(timer));
}
