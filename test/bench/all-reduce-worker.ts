import { parentPort, workerData } from "node:worker_threads";
import type { Progress } from "../../src/collectives/communicator.ts";
import { Catalogue } from "../../src/engine/catalogue.ts";
import { Control, controlBytes } from "../../src/engine/control.ts";
import { runPrograms } from "../../src/engine/executor.ts";
import { Endpoint, type Fabric } from "../../src/engine/fabric.ts";
import { Landing } from "../../src/engine/landing.ts";
import { placeRanks } from "../../src/engine/placement.ts";
import { createWasmKernels, type KernelMemory } from "../../src/kernels/wasm.ts";
import { parseScenario } from "../../src/scenario/parse.ts";

/** What one thread of the bench is given. */
export interface AllReduceTask {
  readonly memory: KernelMemory;
  readonly ranks: number;
  readonly elements: number;
  readonly outboxElements: number;
  readonly thread: number;
  readonly threads: number;
  readonly warmUp: number;
  readonly repeats: number;
}

const { memory, ranks, elements, outboxElements, thread, threads, warmUp, repeats } =
  workerData as AllReduceTask;
const blocks = placeRanks(ranks, threads);
const block = blocks[thread]!;
const controlStart = 4096;
const control = new Control(
  new Int32Array(memory.buffer, controlStart, controlBytes(ranks, blocks.length) / 4),
  ranks,
  blocks.length,
);
const arraysStart = controlStart + controlBytes(ranks, blocks.length);
const perRank = (elements + outboxElements + 32) * 4;
const floats = (rank: number, offset: number, length: number): Float32Array =>
  new Float32Array(memory.buffer, arraysStart + rank * perRank + offset * 4, length);
const bytes = (rank: number, offset: number, length: number): Uint8Array =>
  new Uint8Array(memory.buffer, floats(rank, offset, length).byteOffset, 4 * length);
const scenario = parseScenario(
  JSON.stringify({
    name: "bench",
    mesh: { data: ranks },
    data: { source: "gaussian", samples: 1, channels: 1 },
    normalizers: [{ type: "batch-norm", group: "world" }],
  }),
  "bench",
);
const fabric: Fabric = {
  control,
  kernels: await createWasmKernels(memory, new Int32Array(memory.buffer, 1024 + thread * 256, 16)),
  catalogue: new Catalogue(scenario),
  landing: new Landing(new Uint8Array(0), control, () => 0),
  outboxes: Array.from({ length: ranks }, (_, rank) => bytes(rank, elements + 16, outboxElements)),
  payload: "float32",
  threadOfRank: blocks.flatMap(({ count }, index) => new Array<number>(count).fill(index)),
  thread,
  movements: 0,
};
const group = { index: 0, ranks: Array.from({ length: ranks }, (_, rank) => rank) };
let begun = 0;

function* program(rank: number): Progress<void> {
  const endpoint = new Endpoint(fabric, rank);
  const payload = floats(rank, 0, elements).fill(0);
  for (let call = 0; call < warmUp + repeats; call++) {
    if (call === warmUp && rank === block.first) begun = performance.now();
    yield* endpoint.communicator(group, 0, call).allReduce(payload);
  }
}

runPrograms(
  Array.from({ length: block.count }, (_, i) => ({
    rank: block.first + i,
    program: program(block.first + i),
  })),
  fabric,
  {
    sleep(words, index, value) {
      Atomics.wait(words, index, value, 50);
      return true;
    },
  },
  (_, error) => error as Error,
);
parentPort!.postMessage(((performance.now() - begun) * 1000) / repeats);
