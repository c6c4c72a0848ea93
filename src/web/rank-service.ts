import { createRankThread, type RankThread, type ThreadSetup } from "../engine/rank-thread.ts";
import { serveCalls } from "./channel.ts";

/** The longest a thread sleeps before it looks at the abort flag again, in case a wake-up was lost. */
const sleepMilliseconds = 50;

/** What a worker of ranks answers to; it serves one run after another. */
export interface RankService extends RankThread {
  start(setup: ThreadSetup): Promise<void>;
}

/** Serve the ranks of one worker for as long as it lives. */
export function serveRanks(): void {
  let thread: RankThread | undefined;
  const service: RankService = {
    async start(setup) {
      const hasPeers = setup.plan.blocks.length > 1;
      thread = await createRankThread(setup, {
        sleep(words, index, value) {
          if (hasPeers) Atomics.wait(words, index, value, sleepMilliseconds);
          return hasPeers;
        },
        exit() {
          self.close();
          throw new Error("its worker closed");
        },
      });
    },
    prepare: (microbatch) => thread!.prepare(microbatch),
    pass: (normalizer, microbatch) => thread!.pass(normalizer, microbatch),
    exchange: (normalizer, microbatch) => thread!.exchange(normalizer, microbatch),
    train: (normalizer, firstStep, stepCount) => thread!.train(normalizer, firstStep, stepCount),
    evaluate: (trainingStep, batchCount, mode) => thread!.evaluate(trainingStep, batchCount, mode),
  };
  serveCalls(service);
}
