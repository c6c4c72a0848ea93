import { layoutOf } from "../../scenario/mesh.ts";
import { createArena, type Loaded } from "../arena.ts";
import { blockOnly } from "../held.ts";
import { microbatchCounts } from "../microstep.ts";
import type { ExchangeResult } from "../pass-result.ts";
import type { RankBlock } from "../placement.ts";
import { createRankThread, type ThreadSetup } from "../rank-thread.ts";
import type { Workload } from "../workload.ts";
import { joined, observationsOf, resultsOf, separate, wholeArrays } from "./block-arrays.ts";
import type { Answer, BlockCall, BlockOutcome } from "./block-call.ts";
import { ReplayEndpoint, SuspendedError } from "./replay-endpoint.ts";

/** A block of a spread run and what it is asked: plain data. */
export interface BlockTask {
  readonly workload: Workload;
  /** What files gave, of all ranks. */
  readonly loaded: Loaded | undefined;
  readonly block: RankBlock;
  readonly call: BlockCall<Float64Array, Answer>;
}

/**
 * Run the ranks of a block, in turns on the calling thread, from the start of the run to what they are asked, or to
 * the first collective that has no answer.
 *
 * The ranks' programs are those of a run on one machine; only their communicator differs.
 *
 * @param onStart is given what a watchdog needs.
 */
export async function runBlock(
  { workload, loaded, block, call }: BlockTask,
  onStart: (setup: ThreadSetup) => void,
): Promise<BlockOutcome> {
  const arena = createArena(workload, [block], blockOnly(block), loaded);
  const setup = { workload, plan: arena.plan, memory: arena.memory, thread: 0 };
  onStart(setup);
  const endpoints = Array.from(
    { length: block.count },
    (_, i) => new ReplayEndpoint(block.first + i, workload.payload),
  );
  const thread = await createRankThread(setup, {
    sleep() {
      throw new SuspendedError("no rank of the block can move");
    },
    exit() {
      throw new Error("a block cannot end its thread");
    },
    endsOf: (rank) => endpoints[rank - block.first]!.ends,
  });
  const prepare = (microbatch: number): void => {
    arena.loadMoments(microbatch);
    thread.prepare(microbatch);
  };
  const begin = (index: number): void => {
    for (const endpoint of endpoints) endpoint.begin(call.answers[index] ?? []);
  };
  const { kind, normalizer, microbatch } = call;
  if (kind === "prepare") {
    prepare(microbatch);
    const ranks = [...arena.layouts.values()].flat();
    return { kind: "done", arrays: ranks.map((views) => joined(observationsOf(views))), results: [] };
  }
  let results: ExchangeResult[] = [];
  try {
    for (const [index, whole] of call.wholes.entries()) {
      prepare(call.first + index);
      separate(whole, wholeArrays(arena.whole));
      begin(index);
      results = thread.pass(normalizer, call.first + index);
    }
    if (kind === "exchange") {
      const { precise } = microbatchCounts(workload.scenario);
      for (let index = 0; index < precise; index++) prepare(microbatch + index);
      begin(call.wholes.length);
      results = thread.exchange(normalizer, microbatch);
    }
  } catch (error) {
    if (!(error instanceof SuspendedError)) throw error;
    return { kind: "waits", contributions: endpoints.flatMap(({ contribution }) => contribution ?? []) };
  }
  const ranks = arena.layouts.get(layoutOf(workload.scenario.normalizers[normalizer]!))!;
  return { kind: "done", arrays: ranks.map((views) => joined(resultsOf(views, normalizer))), results };
}
