import { describe, expect, test } from "vitest";
import { RankError } from "../src/errors.ts";
import type { InjectedFault } from "../src/scenario/injected-fault.ts";
import { normsim } from "./support/command.ts";

// Faults are injected by the scenario. Oracle: what the scenario asked for. The runs are whole
// processes: that they end at all shows that no thread and no handle was left.

function scenarioWith(fault: Partial<InjectedFault>, deadline: string): string {
  return JSON.stringify({
    name: "a rank fails",
    mesh: { data: 6 },
    data: { source: "gaussian", samples: 4, channels: 16 },
    normalizers: [
      { name: "local", type: "batch-norm", group: "rank" },
      { name: "SyncBN", type: "batch-norm", group: "world" },
    ],
    trainingSteps: 2,
    faults: [{ rank: 3, trainingStep: 1, phase: "backward", kind: "throw", ...fault }],
    deadline,
  });
}

const rows: readonly (readonly [string, Partial<InjectedFault>, string, RegExp])[] = [
  ["throws", { kind: "throw" }, "60s", /^rank 3: injected fault \(at training step 1, local backward/m],
  [
    "exits",
    { kind: "exit" },
    "60s",
    /^rank 3: its thread ended: .*70.* \(at training step 1, local backward/m,
  ],
  [
    "stalls",
    { kind: "stall" },
    "2s",
    /^rank 3: made no progress for 2 s \(at training step 1, local backward/m,
  ],
  [
    "throws while it makes data",
    { kind: "throw", phase: "data" },
    "60s",
    /^rank 3: injected fault \(at training step 1, making its microbatch/m,
  ],
];

describe("a rank that fails ends the run with exit code 1, its number, its place and the cause", () => {
  for (const [what, fault, deadline, message] of rows) {
    for (const threads of ["2", "6"]) {
      test(`it ${what}, on ${threads} threads`, async () => {
        const { code, stdout, stderr } = await normsim(["run", "-", "--threads", threads], {
          input: scenarioWith(fault, deadline),
        });
        expect(code).toBe(1);
        expect(stdout).toBe("");
        expect(stderr).toMatch(message);
        expect(stderr).not.toMatch(/\n\s+at /);
      });
    }
  }

  test("it runs out of memory, where the heap of a thread is limited", async () => {
    const { code, stderr } = await normsim(["run", "-", "--threads", "2"], {
      input: scenarioWith({ kind: "exhaust-memory" }, "120s"),
      env: { NODE_OPTIONS: "--max-old-space-size=128" },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^rank 3: its thread ended: .*memory.* \(at training step 1, local backward/m);
  });

  test("it throws in process", async () => {
    const { code, stderr } = await normsim(["run", "-", "--threads", "0"], {
      input: scenarioWith({}, "60s"),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(rows[0]![3]);
  });
});

test("a RankError carries its rank, its place and its cause", () => {
  const cause = new Error("why");
  const error = new RankError(5, "training step 0", "why", { cause });
  expect(error).toMatchObject({
    rank: 5,
    step: "training step 0",
    cause,
    message: "rank 5: why (at training step 0)",
  });
});
