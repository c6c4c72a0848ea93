import { parentPort, workerData } from "node:worker_threads";
import type { Progress } from "../../src/collectives/communicator.ts";
import { callerOf } from "../../src/engine/discord.ts";
import { Endpoint } from "../../src/engine/endpoint.ts";
import { runPrograms } from "../../src/engine/executor.ts";
import { placeRanks } from "../../src/engine/placement.ts";
import type { KernelMemory } from "../../src/kernels/wasm.ts";
import { type SharedPlan, sharedFabric } from "../support/shared-fabric.ts";

/** What one thread of the bench is given. */
export interface AllReduceTask {
  readonly memory: KernelMemory;
  readonly plan: SharedPlan;
  readonly thread: number;
  readonly elements: number;
  readonly warmUp: number;
  readonly windows: number;
  readonly calls: number;
}

const { memory, plan, thread, elements, warmUp, windows, calls } = workerData as AllReduceTask;
const block = placeRanks(plan.ranks, plan.threads)[thread]!;
const { fabric, groups, blocks, payload } = await sharedFabric(memory, plan, thread);
const group = { index: 0, ranks: Array.from({ length: plan.ranks }, (_, rank) => rank) };
const sleepMilliseconds = 50;
/** Of one call, in each window of the first rank here. */
const seconds: number[] = [];

/** Ranks call as those of a run do. They keep what they send and what they get in memory of their own, as processes do. */
function* program(rank: number): Progress<void> {
  const area = payload(rank);
  const room = area.byteLength / 3;
  const [values, own, sum] = [0, 1, 2].map(
    (i) => new Float32Array(area.buffer, area.byteOffset + i * room, elements),
  );
  const bytes = values!.byteLength;
  own!.fill(rank);
  const endpoint = new Endpoint(fabric, rank);
  const communicator = callerOf(rank, { fabric, groups, faults: [] }, endpoint).communicator(group, 0, 0);
  let begun = 0;
  for (let call = 0; call < warmUp + windows * calls; call++) {
    if ((call - warmUp) % calls === 0) begun = performance.now();
    blocks.copy(values!.byteOffset, own!.byteOffset, bytes);
    yield* communicator.allReduce(values!);
    blocks.copy(sum!.byteOffset, values!.byteOffset, bytes);
    if (call < warmUp || (call - warmUp) % calls < calls - 1) continue;
    if (rank === block.first) seconds.push((performance.now() - begun) / 1000 / calls);
    // A run takes the ledger of every pass away.
    endpoint.ledger.length = 0;
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
