import { AssertionError, assert } from "../../assert.ts";
import { layoutOf, layoutsOf } from "../../scenario/mesh.ts";
import { rankViews } from "../arena-views.ts";
import type { Host, RemoteThread } from "../host.ts";
import type { ExchangeResult, PassResult } from "../pass-result.ts";
import type { ThreadSetup } from "../rank-thread.ts";
import { observationsOf, resultsOf, separate } from "./block-arrays.ts";
import type { BlockCall, BlockOutcome } from "./block-call.ts";
import { remembers } from "./spreadable.ts";

/** What became of a call that all blocks got. */
export interface BlockRound<Ref> {
  /** What the blocks gave together (`mergeBlocks`), to be sent with later calls. */
  readonly answer: Ref | null;
  /** Of every block, in rank order. */
  outcomes(): Promise<readonly BlockOutcome[]>;
}

/** Runs calls on blocks, wherever these are. `Ref` is what an answer is called there. */
export interface BlockJobs<Ref> {
  run(call: BlockCall<Ref, Ref>, blocks: number): Promise<BlockRound<Ref>>;
  close(): Promise<void>;
}

/**
 * A host whose ranks live in up to `blocks` blocks; each call on them is a job for every block, and one that merges.
 *
 * @param connect is called once, when the run is known to be sound.
 */
export function spreadHost<Ref>(
  blocks: number,
  connect: () => Promise<BlockJobs<Ref>>,
  now: () => number,
): Host {
  let jobs: BlockJobs<Ref> | undefined;
  return {
    isSpread: true,
    threadsMaximum: blocks,
    now,
    async start(setups) {
      jobs = await connect();
      return [new SpreadRanks(setups, jobs)];
    },
    close: async () => jobs?.close(),
  };
}

const refuse = (): never => {
  throw new AssertionError("training is not spread");
};

/** All ranks of a spread run, as the coordinator's one thread. */
class SpreadRanks<Ref> implements RemoteThread {
  readonly train = refuse;
  readonly evaluate = refuse;
  readonly #setup: ThreadSetup;
  readonly #blocks: number;
  readonly #jobs: BlockJobs<Ref>;
  /** Of each microbatch. */
  readonly #wholes: Ref[] = [];
  /** Per normaliser and microbatch: of each collective. */
  readonly #answers: readonly Ref[][][];

  constructor(setups: readonly ThreadSetup[], jobs: BlockJobs<Ref>) {
    this.#setup = setups[0]!;
    this.#blocks = setups.length;
    this.#jobs = jobs;
    this.#answers = this.#setup.workload.scenario.normalizers.map(() => []);
  }

  async prepare(microbatch: number): Promise<void> {
    const nothing = { normalizer: 0, first: 0, wholes: [], answers: [] };
    const call = { kind: "prepare", microbatch, ...nothing } as const;
    const round = await this.#jobs.run(call, this.#blocks);
    assert(round.answer !== null, "blocks observed no whole batch");
    this.#wholes.push(round.answer);
    const { workload, plan, memory } = this.#setup;
    const layouts = layoutsOf(workload.scenario.normalizers);
    for (const [block, outcome] of (await round.outcomes()).entries()) {
      assert(outcome.kind === "done", "a block waits while it observes");
      const { first, count } = plan.blocks[block]!;
      for (const [index, array] of outcome.arrays.entries()) {
        const layout = layouts[Math.floor(index / count)]!;
        const views = rankViews(memory, plan, workload, first + (index % count), layout);
        separate(array, observationsOf(views));
      }
    }
  }

  async pass(normalizer: number, microbatch: number): Promise<PassResult[]> {
    const { scenario } = this.#setup.workload;
    const first = remembers(scenario.normalizers[normalizer]!, scenario) ? 0 : microbatch;
    const wholes = this.#wholes.slice(first, microbatch + 1);
    return (await this.#ask({ kind: "pass", normalizer, microbatch, first, wholes })) as PassResult[];
  }

  async exchange(normalizer: number, microbatch: number): Promise<ExchangeResult[]> {
    const wholes = this.#wholes.slice(0, microbatch);
    return await this.#ask({ kind: "exchange", normalizer, microbatch, first: 0, wholes });
  }

  /** Ask until no block waits for a collective any more, each time with one more answered. */
  async #ask(call: Omit<BlockCall<Ref, Ref>, "answers">): Promise<ExchangeResult[]> {
    const all = this.#answers[call.normalizer]!;
    const earlier = all.slice(call.first);
    const answers: Ref[] = [];
    for (;;) {
      const round = await this.#jobs.run({ ...call, answers: [...earlier, answers] }, this.#blocks);
      if (round.answer === null) {
        all.push(answers);
        return this.#take(call.normalizer, await round.outcomes());
      }
      answers.push(round.answer);
    }
  }

  /** Copy the results of blocks to where the coordinator reads them. */
  #take(normalizer: number, outcomes: readonly BlockOutcome[]): ExchangeResult[] {
    const { workload, plan, memory } = this.#setup;
    const layout = layoutOf(workload.scenario.normalizers[normalizer]!);
    return outcomes.flatMap((outcome, block) => {
      assert(outcome.kind === "done", "a block waits for a collective that no block is at");
      for (const [i, array] of outcome.arrays.entries()) {
        const rank = plan.blocks[block]!.first + i;
        separate(array, resultsOf(rankViews(memory, plan, workload, rank, layout), normalizer));
      }
      return outcome.results;
    });
  }
}
