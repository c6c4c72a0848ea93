import { randomUUID } from "node:crypto";
import type { BlockCall, BlockOutcome } from "../../engine/spread/block-call.ts";
import type { BlockJobs, BlockRound } from "../../engine/spread/spread-host.ts";
import { QueueError } from "../../errors.ts";
import type { SweepFiles } from "../sweep/point-inputs.ts";
import { jobOf, type PointJob } from "../sweep/point-job.ts";
import type { FlowJob, JobFlow } from "../sweep/point-queue.ts";
import {
  awaitJobs,
  defaultPatience,
  type JobHandling,
  type Patience,
  type QueuePlace,
} from "../sweep/queue-wait.ts";
import { parseRedisUrl } from "../sweep/redis-address.ts";
import { asQueueError, connectRedis } from "../sweep/redis-connection.ts";
import type { KeyedPoint } from "../sweep/sweep-points.ts";
import { sendFiles } from "../sweep/travelling-files.ts";
import { decodeMerge, decodeOutcome } from "./block-codec.ts";
import { type BlockJob, blockJobId } from "./block-job.ts";
import { fetchText, forgetTexts } from "./travelling-texts.ts";

/** The scenario of a spread run, its files, and who hears how it goes. */
export interface SpreadRun {
  readonly point: Pick<KeyedPoint, "key" | "written" | "files">;
  readonly files: SweepFiles;
  readonly onNote: (note: string) => void;
}

/**
 * Runs blocks by the workers of a Redis: each call is a flow of one job for every block, and of one that merges them.
 *
 * @throws ScenarioError if the URL is none; QueueError if there is no connection.
 */
export async function redisBlocks(
  url: string,
  run: SpreadRun,
  patience: Patience = defaultPatience,
): Promise<BlockJobs<string>> {
  const address = parseRedisUrl(url);
  const client = await connectRedis(address);
  try {
    await sendFiles(client, run.files, [run.point]);
  } catch (error) {
    client.disconnect();
    throw asQueueError(error, address);
  }
  return new RedisBlocks({ client, address, patience }, jobOf(run.point), run.onNote);
}

class RedisBlocks implements BlockJobs<string> {
  readonly #place: QueuePlace;
  readonly #job: PointJob;
  readonly #onNote: (note: string) => void;
  readonly #run = randomUUID();
  readonly #answers: string[] = [];
  readonly #interruption = new AbortController();
  readonly #interrupt = (): void => this.#interruption.abort();

  constructor(place: QueuePlace, job: PointJob, onNote: (note: string) => void) {
    this.#place = place;
    this.#job = job;
    this.#onNote = onNote;
    process.once("SIGINT", this.#interrupt);
  }

  async run(call: BlockCall<string, string>, blocks: number): Promise<BlockRound<string>> {
    const { answer, outcomes } = decodeMerge(await this.#submit(this.#flowOf(call, blocks)));
    if (answer !== null) {
      this.#answers.push(answer);
      // What blocks brought to a collective is in its answer; of an observation the coordinator wants both.
      if (call.kind !== "prepare") await forgetTexts(this.#place.client, this.#run, outcomes);
    }
    return { answer, outcomes: () => this.#read(outcomes) };
  }

  async close(): Promise<void> {
    process.removeListener("SIGINT", this.#interrupt);
    const { client } = this.#place;
    if (client.status === "ready") await forgetTexts(client, this.#run, this.#answers);
    client.disconnect();
  }

  #flowOf(call: BlockCall<string, string>, blocks: number): JobFlow {
    const jobFor = (block: number | null): { key: string; data: BlockJob } => {
      const asked = { run: this.#run, blocks, block, call };
      return { key: blockJobId(asked, block), data: { ...this.#job, ...asked } };
    };
    return { ...jobFor(null), children: Array.from({ length: blocks }, (_, block) => jobFor(block)) };
  }

  /** @returns what the merge returned. */
  async #submit(flow: JobFlow): Promise<string> {
    let merged: string | undefined;
    const { signal } = this.#interruption;
    let isSubmitted = false;
    const handling: JobHandling<FlowJob> = {
      what: "jobs",
      async submit(queue) {
        if (isSubmitted) throw new QueueError("somebody took jobs of the run from the queue");
        isSubmitted = true;
        await queue.submitFlow(flow);
      },
      finished({ data: { block, blocks } }, outcome) {
        if ("failure" in outcome) {
          const who = block === null ? "the merge" : `block ${block + 1}`;
          throw new QueueError(`${who} of ${blocks} blocks: ${outcome.failure}`);
        }
        if (block === null) merged = outcome.result;
      },
      progress: this.#onNote,
    };
    // Blocks are waited for beside their merge, whose failure would not say why one of them failed.
    await awaitJobs(this.#place, [...flow.children, flow], handling, signal);
    if (merged === undefined) throw new QueueError("interrupted");
    return merged;
  }

  async #read(hashes: readonly string[]): Promise<BlockOutcome[]> {
    const { client } = this.#place;
    const outcomes: BlockOutcome[] = [];
    for (const hash of hashes) outcomes.push(decodeOutcome(await fetchText(client, this.#run, hash)));
    await forgetTexts(client, this.#run, hashes);
    return outcomes;
  }
}
