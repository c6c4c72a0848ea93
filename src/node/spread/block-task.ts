import { placeDataRanks } from "../../engine/placement.ts";
import type { ThreadSetup } from "../../engine/rank-thread.ts";
import { runBlock } from "../../engine/spread/block.ts";
import type { BlockCall } from "../../engine/spread/block-call.ts";
import { mergeBlocks } from "../../engine/spread/block-merge.ts";
import { loadedWorkload, syntheticWorkload } from "../../engine/workload.ts";
import type { NpyBatches } from "../../scenario/npy-source.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { decodeAnswer, decodeOutcome, decodeWhole, encode } from "./block-codec.ts";

/** A block to run, or blocks to merge: plain data. */
export interface BlockWork {
  readonly scenario: Scenario;
  readonly batches: NpyBatches | null;
  readonly blocks: number;
  /** Index of the block; null: merge. */
  readonly block: number | null;
  /** Answers as text. */
  readonly call: BlockCall<string, string>;
  /** To merge: of every block, as text. */
  readonly outcomes: readonly string[];
}

/** Text of what a block gave, or of the answer that blocks gave together; empty where there is none. */
export async function runBlockWork(
  { scenario, batches, blocks, block, call, outcomes }: BlockWork,
  onStart: (setup: ThreadSetup) => void,
): Promise<string> {
  const workload = batches === null ? await syntheticWorkload(scenario) : loadedWorkload(scenario, batches);
  if (block === null) {
    const answer = mergeBlocks(workload, call, outcomes.map(decodeOutcome));
    return answer === null ? "" : encode(answer);
  }
  const known = {
    ...call,
    wholes: call.wholes.map(decodeWhole),
    answers: call.answers.map((ofPass) => ofPass.map(decodeAnswer)),
  };
  const ranks = placeDataRanks(scenario.mesh, blocks)[block]!;
  const task = { workload, loaded: batches ?? undefined, block: ranks, call: known };
  return encode(await runBlock(task, onStart));
}
