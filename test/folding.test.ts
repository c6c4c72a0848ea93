import { expect, test } from "vitest";
import { planArena } from "../src/engine/arena-plan.ts";
import { Catalogue } from "../src/engine/catalogue.ts";
import { everything } from "../src/engine/held.ts";
import { placeRanks } from "../src/engine/placement.ts";
import { syntheticWorkload } from "../src/engine/workload.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: invariants of the plan of a memory. Nothing is laid out beyond it.

/** Bytes that a run of SyncBN over 1025 values per collective takes beyond its data. */
async function bytesBesideData(ranks: number): Promise<number> {
  const scenario = scenarioFrom({
    mesh: { data: ranks },
    data: { source: "gaussian", samples: 1, channels: 512, positions: [7] },
    normalizers: [{ type: "batch-norm", group: "world", implementation: "pytorch" }],
    backward: true,
  });
  const workload = await syntheticWorkload(scenario);
  const plan = planArena(workload, new Catalogue(scenario), placeRanks(ranks, 2), everything(workload));
  const arraysOfElements = 4;
  return plan.totalBytes - ranks * arraysOfElements * 512 * 7 * 4;
}

test("the memory of ranks folded on two threads grows with their number, and is under 1 GB for 1024", async () => {
  const bytes: number[] = [];
  for (const ranks of [256, 512, 1024]) bytes.push(await bytesBesideData(ranks));
  const [quarter, half, whole] = bytes as [number, number, number];
  expect(whole).toBeLessThan(1e9);
  // Twice the ranks take twice the memory, and no more: what threads have of their own is a constant that helps.
  expect(half).toBeLessThanOrEqual(2 * quarter);
  expect(whole).toBeLessThanOrEqual(2 * half);
});
