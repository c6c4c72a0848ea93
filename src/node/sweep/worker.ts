import { availableParallelism } from "node:os";
import { ScenarioError } from "../../errors.ts";
import { batchesOf } from "./point-inputs.ts";
import { readJob } from "./point-job.ts";
import { type PointRunner, pointPool } from "./point-pool.ts";
import { type Outcome, serveQueue } from "./point-queue.ts";
import { parseRedisUrl } from "./redis-address.ts";
import { asQueueError, connectRedis } from "./redis-connection.ts";
import { fetchFiles } from "./travelling-files.ts";

/** The options of `normsim worker`. */
export interface WorkerOptions {
  readonly redis: string;
  /** Points at once, one on each thread. Default: the cores. */
  readonly threads?: number;
  readonly quiet?: boolean;
}

/**
 * Run points of sweeps until SIGTERM or SIGINT; then finish those that are under way and return.
 * A second signal ends the process at once, and its points go to other workers.
 *
 * @throws ScenarioError if the URL is none; QueueError if there is no connection.
 */
export async function worker({ redis, threads, quiet }: WorkerOptions): Promise<void> {
  const say = (line: string): void => {
    if (quiet !== true) process.stderr.write(`${line}\n`);
  };
  const address = parseRedisUrl(redis);
  const client = await connectRedis(address);
  const pool = pointPool(Math.max(1, threads ?? availableParallelism()));
  const queue = await serveQueue(client, pool.threads, {
    async run(data) {
      const outcome = await runJob(data, client, pool);
      say("report" in outcome ? "a point is done" : `a point failed: ${outcome.failure}`);
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

async function runJob(
  data: unknown,
  client: Awaited<ReturnType<typeof connectRedis>>,
  pool: PointRunner,
): Promise<Outcome & { readonly isFinal?: boolean }> {
  try {
    const { parsed, files } = readJob(data);
    const bytes = await fetchFiles(client, files);
    const batches = batchesOf(
      parsed,
      (path) => bytes.get(path) ?? { file: path, path: "", message: "its bytes are not in Redis any more" },
    );
    return { report: await pool.run({ scenario: parsed, batches }) };
  } catch (error) {
    // A scenario that cannot be run here cannot be run elsewhere; a rank that failed may be luck.
    const failure = error instanceof Error ? error.message : String(error);
    return { failure, isFinal: error instanceof ScenarioError };
  }
}
