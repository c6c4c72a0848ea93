import type { MessagePort } from "node:worker_threads";
import { createRankThread, type ThreadSetup } from "../engine/rank-thread.ts";
import { exposeRankThread } from "./rank-channel.ts";

/** What the pool hands to a worker thread: a raw port, and a setup whose memory is shared, not copied. */
export interface RankTask {
  readonly port: MessagePort;
  readonly setup: ThreadSetup;
}

/** The longest a thread sleeps before it looks at the abort flag again, in case a wake-up was lost. */
const sleepMilliseconds = 50;
/** sysexits.h EX_SOFTWARE: an injected `exit` fault. */
const faultExitCode = 70;

/** Serve the ranks of one thread for as long as the pool lives. */
export async function serveRanks({ port, setup }: RankTask): Promise<never> {
  const hasPeers = setup.plan.blocks.length > 1;
  const thread = await createRankThread(setup, {
    sleep(words, index, value) {
      if (hasPeers) Atomics.wait(words, index, value, sleepMilliseconds);
      return hasPeers;
    },
    exit: () => process.exit(faultExitCode),
  });
  exposeRankThread(port, thread);
  port.postMessage("ready");
  return await new Promise<never>(() => {});
}
