import { expect, test } from "vitest";
import type { Progress } from "../src/collectives/communicator.ts";
import { runPrograms } from "../src/engine/executor.ts";
import type { Fabric } from "../src/engine/fabric.ts";
import { inProcessFabric } from "./support/in-process-fabric.ts";

// Oracle: invariant. A program that waits for what nobody will do must not hang the thread.

function* waitForEver(fabric: Fabric, rank: number, awaited: number): Progress<void> {
  fabric.control.await(rank, awaited);
  for (;;) yield;
}

test("ranks that wait for each other on one thread are a deadlock, and the error names who waits for whom", () => {
  const fabric = inProcessFabric(2);
  const programs = [0, 1].map((rank) => ({ rank, program: waitForEver(fabric, rank, 1 - rank) }));
  const asIs = (_: number, error: unknown): Error => error as Error;
  expect(() => runPrograms(programs, fabric, { sleep: () => false }, asIs)).toThrow(
    "rank 0 waits for rank 1",
  );
});

test("a program that throws stops the others at their next wait", () => {
  const fabric = inProcessFabric(2);
  // biome-ignore lint/correctness/useYield: it fails before it would wait.
  function* fail(): Progress<void> {
    throw new Error("broken");
  }
  const programs = [
    { rank: 0, program: waitForEver(fabric, 0, 1) },
    { rank: 1, program: fail() },
  ];
  const named = (rank: number, error: unknown): Error =>
    new Error(`rank ${rank}: ${(error as Error).message}`);
  expect(() => runPrograms(programs, fabric, { sleep: () => false }, named)).toThrow("rank 1: broken");
  expect(fabric.control.isAborted).toBe(true);
});
