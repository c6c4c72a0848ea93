import { QueueError } from "../../errors.ts";
import type { PointRunner } from "../sweep/point-pool.ts";
import type { connectRedis } from "../sweep/redis-connection.ts";
import { fetchBatches } from "../sweep/travelling-files.ts";
import type { MergeResult } from "./block-codec.ts";
import { blockJobId, readBlockJob } from "./block-job.ts";
import { fetchText, sendText } from "./travelling-texts.ts";

type Client = Awaited<ReturnType<typeof connectRedis>>;

/**
 * Run a job of a spread run: a block, or the merge of blocks that have run.
 *
 * @param children what the blocks returned, by the ids of their jobs.
 * @returns what the job returns: the hash of a block's outcome, or a MergeResult as JSON.
 * @throws ScenarioError if the job is not sound; Error if it fails.
 */
export async function runBlockJob(
  data: unknown,
  client: Client,
  pool: PointRunner,
  children: () => Promise<ReadonlyMap<string, string>>,
): Promise<string> {
  const job = readBlockJob(data);
  const { parsed: scenario, files, run, blocks, block, call } = job;
  const texts = (hashes: readonly string[]): Promise<string[]> =>
    Promise.all(hashes.map((hash) => fetchText(client, run, hash)));
  const batches = await fetchBatches(client, scenario, files);
  if (block !== null) {
    const answers = await Promise.all(call.answers.map(texts));
    const known = { ...call, wholes: await texts(call.wholes), answers };
    const task = { scenario, batches, blocks, block, call: known, outcomes: [] };
    return await sendText(client, run, await pool.run(task));
  }
  const returned = await children();
  const hashes = Array.from({ length: blocks }, (_, index) => {
    const hash = returned.get(blockJobId(job, index));
    if (hash === undefined) throw new QueueError(`nothing came from block ${index}`);
    return hash;
  });
  const task = { scenario, batches, blocks, block, call, outcomes: await texts(hashes) };
  const answer = await pool.run(task);
  const result: MergeResult = {
    answer: answer === "" ? null : await sendText(client, run, answer),
    outcomes: hashes,
  };
  return JSON.stringify(result);
}
