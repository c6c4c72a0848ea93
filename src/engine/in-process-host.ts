import { assert } from "../assert.ts";
import type { Host } from "./host.ts";
import { createRankThread } from "./rank-thread.ts";

/**
 * All ranks folded on the calling thread. A deadlock is an error at once; a rank that never returns
 * cannot be stopped from here, and an injected `exit` is refused.
 */
export function inProcessHost(now: () => number): Host {
  return {
    threadsMaximum: 1,
    now,
    async start(setups) {
      assert(setups.length === 1, `the in-process host has one thread, not ${setups.length}`);
      const thread = await createRankThread(setups[0]!, {
        sleep: () => false,
        exit() {
          throw new Error("the in-process host cannot end its thread");
        },
      });
      return [
        {
          prepare: async (microbatch) => thread.prepare(microbatch),
          pass: async (normalizer, microbatch) => thread.pass(normalizer, microbatch),
          exchange: async (normalizer, microbatch) => thread.exchange(normalizer, microbatch),
          train: async (normalizer, firstStep, stepCount) => thread.train(normalizer, firstStep, stepCount),
          evaluate: async (trainingStep, batchCount, mode) => thread.evaluate(trainingStep, batchCount, mode),
        },
      ];
    },
    close: async () => {},
  };
}
