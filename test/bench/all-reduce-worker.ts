import { parentPort, workerData } from "node:worker_threads";
import type { Progress } from "../../src/collectives/communicator.ts";
import { runPrograms } from "../../src/engine/executor.ts";
import { Endpoint } from "../../src/engine/fabric.ts";
import { placeRanks } from "../../src/engine/placement.ts";
import type { KernelMemory } from "../../src/kernels/wasm.ts";
import { type SharedPlan, sharedFabric } from "../support/shared-fabric.ts";

/** What one thread of the bench is given. */
export interface AllReduceTask {
  readonly memory: KernelMemory;
  readonly plan: SharedPlan;
  readonly thread: number;
  readonly warmUp: number;
  readonly windows: number;
  readonly calls: number;
}

const { memory, plan, thread, warmUp, windows, calls } = workerData as AllReduceTask;
const block = placeRanks(plan.ranks, plan.threads)[thread]!;
const { fabric, payload } = await sharedFabric(memory, plan, thread);
const group = { index: 0, ranks: Array.from({ length: plan.ranks }, (_, rank) => rank) };
const sleepMilliseconds = 50;
/** Of one call, in each window of the first rank here. */
const seconds: number[] = [];

/** Ranks keep what they send and what they get in memory of their own, as processes do. */
function* program(rank: number): Progress<void> {
  const area = payload(rank);
  const values = new Float32Array(area.buffer, area.byteOffset, area.byteLength / 4);
  const own = new Float32Array(values.length).fill(rank);
  const sum = new Float32Array(values.length);
  const endpoint = new Endpoint(fabric, rank);
  const communicator = endpoint.communicator(group, 0, 0);
  let begun = 0;
  for (let call = 0; call < warmUp + windows * calls; call++) {
    if ((call - warmUp) % calls === 0) begun = performance.now();
    values.set(own);
    yield* communicator.allReduce(values);
    sum.set(values);
    // The first collective is sampled and goes by messages; it stays, so that no other one is the first.
    endpoint.ledger.length = 1;
    const isLastOfWindow = call >= warmUp && (call - warmUp) % calls === calls - 1;
    if (isLastOfWindow && rank === block.first) seconds.push((performance.now() - begun) / 1000 / calls);
  }
}

const programs = Array.from({ length: block.count }, (_, i) => ({
  rank: block.first + i,
  program: program(block.first + i),
}));
const sleeper = {
  sleep(words: Int32Array, index: number, value: number): boolean {
    Atomics.wait(words, index, value, sleepMilliseconds);
    return true;
  },
};
runPrograms(programs, fabric, sleeper, (_, error) => error as Error);
parentPort!.postMessage(seconds.sort((a, b) => a - b));
