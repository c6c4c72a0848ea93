import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { buildSchedule } from "../../src/collectives/plan.ts";
import { controlBytes } from "../../src/engine/control.ts";
import { layOutOutboxes } from "../../src/engine/outbox.ts";
import { placeRanks } from "../../src/engine/placement.ts";
import { createKernelMemory } from "../../src/kernels/wasm.ts";
import type { AllReduceTask } from "./all-reduce-worker.ts";
import type { Figure } from "./figures.ts";

/** Enough for the compiler to have settled. */
const warmUp = 5000;
const repeats = 10_000;
const counts = [129, 1025, 4097];

/** Ring all-reduce of float32 between worker threads: microseconds per call, the mean over a thread's run. */
export async function benchAllReduce(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const threads = availableParallelism();
  console.log(`ring all-reduce of float32, µs per call (${threads} threads; more ranks are folded)`);
  for (const ranks of [2, 4, 8]) {
    const cells: string[] = [];
    for (const elements of counts) {
      const microseconds = await allReduceMicroseconds(ranks, elements, threads);
      figures.push({
        title: `ring all-reduce, ${ranks} ranks, ${elements} floats`,
        wallSeconds: microseconds / 1e6,
      });
      cells.push(`${elements} floats ${microseconds.toFixed(1).padStart(7)}`);
    }
    console.log(`  ${ranks} ranks:  ${cells.join("   ")}`);
  }
  return figures;
}

async function allReduceMicroseconds(ranks: number, elements: number, threads: number): Promise<number> {
  const blocks = placeRanks(ranks, threads);
  const schedule = buildSchedule("all-reduce", "ring", {
    ranks,
    payloadElements: elements,
    ranksPerNode: ranks,
  });
  const outboxElements = 2 * Math.max(...layOutOutboxes(schedule).capacities);
  const control = controlBytes(ranks, blocks.length);
  const memory = createKernelMemory(
    8192 + control + ranks * (elements + outboxElements + 32) * 4 + blocks.length * 256,
  );
  const runs = blocks.map((_, thread) => {
    const task: AllReduceTask = { memory, ranks, elements, outboxElements, thread, threads, warmUp, repeats };
    const worker = new Worker(new URL("./all-reduce-worker.js", import.meta.url), { workerData: task });
    return new Promise<number>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  });
  return Math.max(...(await Promise.all(runs)));
}
