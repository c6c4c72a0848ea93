import { describe, expect, test } from "vitest";
import { allGatherAlgorithms, allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import { RankError } from "../src/errors.ts";
import { piscinaHost } from "../src/node/piscina-host.ts";
import { failureTable } from "../src/report/failure.ts";
import type { DiscordFault } from "../src/scenario/injected-fault.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Ranks that do not call what their peers call, folded on one thread: any wait that cannot end is a deadlock at once.
// Oracle: the scenario, which says who is to blame.

const ranks = 6;
const fields = {
  mesh: { data: ranks },
  data: { source: "gaussian", samples: 3, channels: 8 },
  trainingSteps: 2,
};
const kinds = ["wrong-order", "wrong-size", "wrong-group", "early-return", "dropped-message"] as const;

async function failureOf(scenario: Record<string, unknown>): Promise<RankError> {
  const error = await simulate(scenarioFrom({ ...fields, ...scenario })).then(
    () => new Error("it ended well"),
    (reason: unknown) => reason as Error,
  );
  expect(error, error.stack ?? "").toBeInstanceOf(RankError);
  return error as RankError;
}

const syncBy = (implementation: string, group: unknown = 3) => [
  { name: "local", type: "batch-norm", group: "rank" },
  { name: "sync", type: "batch-norm", group, implementation },
];

const faultOf = (kind: DiscordFault["kind"], rank: number, phase: DiscordFault["phase"] = "forward") => [
  { kind, rank, phase, trainingStep: 1 },
];

describe("whoever is at odds with its peers is named, with its place", () => {
  // Libraries that call one collective, three of one shape, and such that count in another format.
  for (const implementation of ["pytorch", "keras", "horovod", "all-reduce-moments", "fairscale"]) {
    for (const kind of kinds) {
      test(`${kind}, ${implementation}`, async () => {
        for (const phase of ["forward", "backward"] as const) {
          for (const rank of [0, 2, 4]) {
            const faults = faultOf(kind, rank, phase);
            const error = await failureOf({ normalizers: syncBy(implementation), faults });
            expect([error.rank, error.record.suspects], error.message).toEqual([rank, [rank]]);
            expect(error.step).toMatch(/^training step 1, sync (forward|backward|idle)/);
            expect(error.record.seenIn.length).toBeGreaterThan(0);
          }
        }
      });
    }
  }

  for (const kind of kinds)
    test(`${kind}, by every algorithm`, async () => {
      const pairs = [
        ...allReduceAlgorithms.map((allReduce) => [{ allReduce }, "keras"] as const),
        ...allGatherAlgorithms.map((allGather) => [{ allGather }, "pytorch"] as const),
      ];
      for (const [algorithms, implementation] of pairs) {
        const faults = faultOf(kind, 5);
        const error = await failureOf({ algorithms, normalizers: syncBy(implementation), faults });
        expect(error.record.suspects, error.message).toEqual([5]);
      }
    });

  test("while a network is trained", async () => {
    for (const kind of kinds) {
      const error = await failureOf({
        data: { source: "images", samples: 2 },
        normalizers: syncBy("pytorch"),
        trainingSteps: 1,
        training: {
          network: { kind: "mlp", hidden: [8] },
          steps: 2,
          optimizer: { type: "sgd", learningRate: 0.1 },
        },
        faults: faultOf(kind, 4, "backward"),
      });
      expect(error.record.suspects, error.message).toEqual([4]);
    }
  });
});

describe("what is said of the failure", () => {
  // Oracle: by hand. C = 8 channels: 2C + 1 values are gathered, 2C reduced.
  test.each([
    [
      "wrong-order",
      "called all-reduce of 16 float32 values among 6 ranks as call 2 of the pass, where rank 0 called all-gather of 17 float32 values among 6 ranks as call 1 of the pass",
      "NVIDIA/apex#18",
    ],
    [
      "wrong-size",
      "called all-gather of 16 float32 values among 6 ranks, where rank 0 called all-gather of 17 float32 values among 6 ranks",
      "NVIDIA/nccl#1394",
    ],
    [
      "early-return",
      "left the pass without joining a collective, where rank 0 called all-gather of 17 float32 values among 6 ranks",
      "horovod/horovod#2241",
    ],
    ["dropped-message", "its message to rank 5 in all-gather of 17 values never arrived", "NVIDIA/nccl#1317"],
  ] as const)("%s", async (kind, what, seenIn) => {
    const error = await failureOf({ normalizers: syncBy("pytorch", "world"), faults: faultOf(kind, 4) });
    expect(error.what).toBe(what);
    expect(error.record.seenIn.join()).toContain(seenIn);
  });

  test("wrong-group, as PyTorch's all-gather forgot its process_group", async () => {
    const error = await failureOf({ normalizers: syncBy("pytorch"), faults: faultOf("wrong-group", 4) });
    expect(error.what).toBe(
      "called all-gather of 17 float32 values among 6 ranks, where rank 3 called all-gather of 17 float32 values among 3 ranks",
    );
    expect(error.record.seenIn).toEqual(["pytorch/pytorch#38246 (fixed by #43861)"]);
  });

  test("of two ranks that contradict each other, both are named", async () => {
    const error = await failureOf({ normalizers: syncBy("pytorch", 2), faults: faultOf("wrong-size", 3) });
    expect(error.record.suspects).toEqual([2, 3]);
    expect(error.what).toMatch(/; ranks 2 and 3 contradict each other$/);
  });

  // Oracle: the ring's first step, in which every rank sends to the next one.
  test("every rank's last call, and whom it waits for, is in the table", async () => {
    const faults = faultOf("dropped-message", 4);
    const error = await failureOf({ normalizers: syncBy("pytorch", "world"), faults });
    const { columns, rows } = failureTable(error.record);
    expect(columns.map(({ title }) => title)).toEqual([
      ...["rank", "doing", "call", "collective", "payload", "among", "step", "waits for"],
    ]);
    // The second normaliser's pass of the second step: 2 · 3 + 1 of the run; numbers go by 16.
    const call = ["112", "all-gather", "17 float32", "0-5"];
    // Rank 4 has begun nothing in this step.
    expect(rows[4]).toEqual(["4", "training step 1, sync forward, collective 2", ...call, "", "5"]);
    expect(rows[5]).toEqual(["5", "training step 1, sync forward, collective 3", ...call, "1", "4"]);
    expect(rows.map((row) => row[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  test("of many ranks, those in one state share a row", async () => {
    const faults = [{ kind: "early-return", rank: 20 }];
    const error = await failureOf({ mesh: { data: 40 }, normalizers: syncBy("pytorch", "world"), faults });
    const { rows } = failureTable(error.record);
    expect(rows.length).toBeLessThan(10);
    expect(rows.find(([rank]) => rank === "20")![3]).toBe("left the pass");
  });
});

test("a fault in a call that its rank never makes is refused", async () => {
  const refused = (fault: object, normalizers: unknown = syncBy("pytorch", "world")) =>
    expect(
      (async () => simulate(scenarioFrom({ ...fields, normalizers, faults: [{ rank: 1, ...fault }] })))(),
    ).rejects;
  await refused({ kind: "wrong-group" }).toThrow(/faults\[0\].*in a group smaller than the world, got none/);
  const alone = [{ type: "layer-norm" }];
  await refused({ kind: "early-return" }, alone).toThrow(
    /whose forward pass communicates on rank 1, got none/,
  );
  await refused({ kind: "wrong-size", phase: "data" }).toThrow(/faults\[0\]\.phase/);
  await refused({ kind: "slow", delay: "30s" }).toThrow(/expected less than the deadline of 30 s/);
});

test("a rank that has left the pass is not waited for before threads are told", async () => {
  // Oracle: the deadline, which is longer than this test may take. Rank 2's group is itself: it leaves without a call, and
  // whichever of the others is later to call finds itself contradicted.
  for (let repetition = 0; repetition < 3; repetition++) {
    const scenario = scenarioFrom({
      mesh: { data: 3 },
      data: { source: "gaussian", samples: 2, channels: 1 },
      normalizers: [{ name: "pairs", type: "batch-norm", group: 2 }],
      faults: [{ kind: "wrong-group", rank: 1, phase: "backward" }],
      deadline: "600s",
    });
    await expect(simulate(scenario, { host: piscinaHost({ threads: 3 }) })).rejects.toThrow(
      /ranks 0 and 1 contradict each other/,
    );
  }
});

test("a late rank changes nothing but the time", async () => {
  const scenario = { ...fields, normalizers: syncBy("pytorch") };
  const faults = [
    { kind: "late-start", rank: 1, delay: "20ms" },
    { kind: "slow", rank: 2, trainingStep: 1, phase: "backward", delay: "20ms" },
  ];
  const [late, punctual] = await Promise.all(
    [{ faults }, {}].map((fault) => simulate(scenarioFrom({ ...scenario, ...fault }))),
  );
  expect(late!.normalizers).toEqual(punctual!.normalizers);
});
