import { availableParallelism } from "node:os";
import { ScenarioError } from "../../errors.ts";
import { isBlockJob } from "../spread/block-job.ts";
import { runBlockJob } from "../spread/block-worker.ts";
import { readJob } from "./point-job.ts";
import { type PointRunner, pointPool } from "./point-pool.ts";
import { type Outcome, serveQueue } from "./point-queue.ts";
import { parseRedisUrl } from "./redis-address.ts";
import { asQueueError, connectRedis } from "./redis-connection.ts";
import { fetchBatches } from "./travelling-files.ts";

type Client = Awaited<ReturnType<typeof connectRedis>>;

/** The options of `normsim worker`. */
export interface WorkerOptions {
  readonly redis: string;
  /** Points at once, one on each thread. Default: the cores. */
  readonly threads?: number;
  /** Jobs begun a second by all workers of the queue together; all should be given the same. Default: no limit. */
  readonly rate?: number;
  readonly quiet?: boolean;
}

/**
 * Run points of sweeps and blocks of spread runs until SIGTERM or SIGINT; then finish those that are under way and return.
 * A second signal ends the process at once, and its points go to other workers.
 *
 * @throws ScenarioError if the URL is none; QueueError if there is no connection.
 */
export async function worker({ redis, threads, rate, quiet }: WorkerOptions): Promise<void> {
  const say = (line: string): void => {
    if (quiet !== true) process.stderr.write(`${line}\n`);
  };
  const address = parseRedisUrl(redis);
  const client = await connectRedis(address);
  const pool = pointPool(Math.max(1, threads ?? availableParallelism()));
  const pace = { concurrency: pool.threads, ...(rate !== undefined && { rate }) };
  const queue = await serveQueue(client, pace, {
    async run(data, children) {
      const outcome = isBlockJob(data)
        ? await attempt(() => runBlockJob(data, client, pool, children))
        : await attempt(() => runPointJob(data, client, pool));
      const what = isBlockJob(data) ? "a block" : "a point";
      say("result" in outcome ? `${what} is done` : `${what} failed: ${outcome.failure}`);
      return outcome;
    },
  }).catch((error: unknown) => {
    client.disconnect();
    throw asQueueError(error, address);
  });
  queue.on("error", () => {});
  let isConnected = true;
  client.on("close", () => {
    if (isConnected) say(`${address.shown}: the connection was lost; trying again`);
    isConnected = false;
  });
  client.on("ready", () => {
    isConnected = true;
    say(`${address.shown}: connected again`);
  });
  say(`${address.shown}: waiting for points, ${pool.threads} at once`);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve()).once("SIGINT", () => resolve());
  });
  say("finishing what is under way");
  client.removeAllListeners("close");
  await queue.close();
  await pool.close();
  client.disconnect();
}

async function runPointJob(data: unknown, client: Client, pool: PointRunner): Promise<string> {
  const { parsed, files } = readJob(data);
  return await pool.run({ scenario: parsed, batches: await fetchBatches(client, parsed, files) });
}

async function attempt(run: () => Promise<string>): Promise<Outcome & { readonly isFinal?: boolean }> {
  try {
    return { result: await run() };
  } catch (error) {
    // A scenario that cannot be run here cannot be run elsewhere; a rank that failed may be luck.
    const failure = error instanceof Error ? error.message : String(error);
    return { failure, isFinal: error instanceof ScenarioError };
  }
}
