import { Worker } from "node:worker_threads";
import { sharedMemory } from "../support/shared-fabric.ts";
import type { AllReduceTask } from "./all-reduce-worker.ts";

/** What is timed: ring all-reduces of float32 vectors between ranks on threads. */
export interface AllReduceRun {
  readonly ranks: number;
  readonly threads: number;
  readonly elements: number;
  /** Calls before the clock starts: enough for the compiler to have settled. */
  readonly warmUp: number;
  /** Windows of so many calls each are timed. */
  readonly windows: number;
  readonly calls: number;
}

/** Wall seconds of one call in the median window of the first thread. */
export async function allReduceSeconds({
  ranks,
  threads,
  elements,
  ...times
}: AllReduceRun): Promise<number> {
  const bytes = 64 * Math.ceil(elements / 16);
  const plan = { ranks, threads, payloadBytes: 3 * bytes, outboxBytes: bytes, landingBytes: 0 };
  const memory = sharedMemory(plan);
  const runs = Array.from({ length: threads }, (_, thread) => {
    const task: AllReduceTask = { memory, plan, thread, elements, ...times };
    const worker = new Worker(new URL("./all-reduce-worker.js", import.meta.url), { workerData: task });
    return new Promise<number[]>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  });
  const [first] = await Promise.all(runs);
  return first![first!.length >> 1]!;
}
