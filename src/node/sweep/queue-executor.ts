import { readStoredReport } from "../../sweep/stored-report.ts";
import type { SweepFiles } from "./point-inputs.ts";
import { jobOf } from "./point-job.ts";
import type { Outcome } from "./point-queue.ts";
import { awaitJobs, defaultPatience, type JobHandling, type Patience } from "./queue-wait.ts";
import { parseRedisUrl } from "./redis-address.ts";
import { connectRedis } from "./redis-connection.ts";
import type { KeyedPoint } from "./sweep-points.ts";
import type { PointExecutor, ResultSink } from "./sweep-run.ts";
import { sendFiles } from "./travelling-files.ts";

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
    const handling = {
      what: "points",
      async submit(queue, items) {
        await sendFiles(client, files, items);
        await queue.submit(items.map(jobOf));
      },
      finished: (point, outcome) => hand(sink, point, outcome),
      progress: (note) => sink.progress(note),
    } satisfies JobHandling<KeyedPoint>;
    try {
      await awaitJobs({ client, address, patience }, points, handling, signal);
    } finally {
      client.disconnect();
    }
  };
}

function hand(sink: ResultSink, point: KeyedPoint, outcome: Outcome): void {
  if ("failure" in outcome) sink.failure(point, outcome.failure);
  else if (readStoredReport(outcome.result) === undefined)
    sink.failure(point, "the worker's result is not a report of this version");
  else sink.report(point, outcome.result);
}
