import { availableParallelism } from "node:os";
import { allReduceSeconds } from "./all-reduce-seconds.ts";
import type { Figure } from "./figures.ts";

/** Enough for the compiler to have settled. */
const warmUp = 5000;
const windows = 500;
const calls = 20;
const counts = [129, 1025, 4097];

/** Ring all-reduce of float32 between worker threads. */
export async function benchAllReduce(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const threads = availableParallelism();
  console.log(
    `ring all-reduce of float32, µs per call in the median of ${windows} windows (${threads} threads; more ranks are folded)`,
  );
  for (const ranks of [2, 4, 8]) {
    const cells: string[] = [];
    for (const elements of counts) {
      const run = { ranks, threads: Math.min(ranks, threads), elements, warmUp, windows, calls };
      const wallSeconds = await allReduceSeconds(run);
      figures.push({ title: `ring all-reduce, ${ranks} ranks, ${elements} floats`, wallSeconds });
      cells.push(`${elements} floats ${(1e6 * wallSeconds).toFixed(1).padStart(7)}`);
    }
    console.log(`  ${ranks} ranks:  ${cells.join("   ")}`);
  }
  const folded = { ranks: 1024, threads, elements: 1025, warmUp: 200, windows: 30, calls: 3 };
  const wallSeconds = await allReduceSeconds(folded);
  figures.push({ title: "ring all-reduce, 1024 ranks, 1025 floats", wallSeconds });
  console.log(`  1024 ranks: 1025 floats ${(1e6 * wallSeconds).toFixed(1)}`);
  return figures;
}
