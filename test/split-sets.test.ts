import { describe, expect, test } from "vitest";
import { allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import { findEvidence } from "../src/explain/dependency.ts";
import { groupsOf } from "../src/normalizers/group.ts";
import { overviewOf } from "../src/report/overview.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";

// Oracles: the same run without shards, and closed forms of what is sent.

const data = { source: "gaussian", samples: 3, channels: 12, positions: [7, 2], mean: 3, channelSpread: 1 };
const weight = [1.5, -0.5, 2, 1, 0.25, 3, -1, 1, 2, -2, 0.5, 1];
const bias = [0.25, 0, -1, 3, 2, -2, 1, 0, 1, 0, -1, 2];
const entries = [
  ...[1, 2, 6, 12].map((groups) => ({ name: `GN${groups}`, type: "group-norm", groups, weight, bias })),
  { name: "IN", type: "instance-norm", weight, bias },
];

/** Sums of up to 168 values of order 10, κ below 10, in another order and merged: 168 · 1.1e-16 · 10. */
const tolerance = 2e-13;
const keys = ["y", "dx", "dWeight", "dBias"] as const;

async function run(fields: Record<string, unknown>) {
  const scenario = scenarioFrom({ data, normalizers: entries, storage: "float64", ...fields });
  const kept: Record<string, JoinedRank[]> = {};
  const report = await simulate(scenario, {
    onPass({ normalizer, ranks }) {
      kept[scenario.normalizers[normalizer]!.name] = unsharded(scenario.mesh, ranks);
    },
  });
  const named = Object.fromEntries(report.normalizers.map((normalizer) => [normalizer.name, normalizer]));
  return { kept, report, named };
}

function expectSame(
  kept: Record<string, JoinedRank[]>,
  whole: Record<string, JoinedRank[]>,
  most = tolerance,
) {
  for (const [name, ranks] of Object.entries(kept)) {
    for (const [index, got] of ranks.entries()) {
      for (const key of keys) expectClose(got[key], whole[name]![index]![key], 0, most, `${name} ${key}`);
    }
  }
}

describe("GroupNorm and InstanceNorm whose sets are cut", () => {
  const meshes = [
    { tensor: 2 },
    { sequence: 3 },
    { sequence: 7 },
    { tensor: 2, sequence: 3 },
    { data: 2, tensor: 2, sequence: 2 },
  ];
  for (const mesh of meshes) {
    test(`are what they are on whole samples: mesh ${JSON.stringify(mesh)}`, async () => {
      const { kept, report } = await run({ mesh });
      expectSame(kept, (await run({ mesh: { data: mesh.data ?? 1 } })).kept);
      for (const { divergence } of report.normalizers) {
        expect(divergence.outputMse.max).toBeLessThan(tolerance ** 2);
        expect(divergence.meanGap.max).toBeLessThan(tolerance);
        expect(divergence.outputMse.expected).toBe(0);
      }
    });
  }

  test("may have shards of unequal width where one block spans them", async () => {
    // Hand: 7 channels over 3 ranks are 2, 2 and 3.
    const uneven = { ...data, channels: 7 };
    const normalizers = [
      { name: "GN", type: "group-norm", groups: 1 },
      { name: "IN", type: "instance-norm" },
    ];
    const { kept } = await run({ mesh: { tensor: 3, sequence: 2 }, data: uneven, normalizers });
    expectSame(kept, (await run({ data: uneven, normalizers })).kept);
  });

  for (const allReduce of allReduceAlgorithms) {
    test(`merge uneven strips exactly in whatever order: ${allReduce}`, async () => {
      const { kept } = await run({
        mesh: { tensor: 3, sequence: 2 },
        algorithms: { allReduce },
        normalizers: entries.filter(({ name }) => name !== "GN2"),
      });
      const whole = await run({});
      expectSame(kept, whole.kept);
    });
  }

  test("merge by valid tokens where padding decides how many there are, and send the counts along", async () => {
    const padded = { source: "sequences", samples: 4, channels: 12, positions: 9, minLength: 1, mean: 3 };
    const { kept, named } = await run({ mesh: { tensor: 2, sequence: 3 }, data: padded });
    expectSame(kept, (await run({ data: padded })).kept);
    // Closed form: 3 and 2 numbers of 8 B for each of 4 samples and 6 channels.
    const { forward, backward } = named.IN!.communication;
    expect(forward.payloadBytesPerRank).toBe(3 * 4 * 6 * 8);
    expect(backward.payloadBytesPerRank).toBe(2 * 4 * 6 * 8);
  });

  test("put up with data coordinates without samples", async () => {
    const samples = [2, 2, 0, 0, 1, 1];
    const { kept } = await run({ mesh: { data: 3, sequence: 2 }, data: { ...data, samples } });
    expectSame(kept, (await run({ mesh: { data: 3 }, data: { ...data, samples: [2, 0, 1] } })).kept);
  });

  test("count a set without spread once, although several ranks know of it", async () => {
    // Hand: 3 samples of 6 and of 12 constant sets.
    const { named } = await run({
      mesh: { tensor: 2, sequence: 2 },
      data: { ...data, mean: 5, std: 1e-30, channelSpread: 0 },
    });
    expect([named.GN6!, named.IN!].map(({ numerics }) => numerics.constantSets)).toEqual([18, 36]);
  });
});

describe("what cut samples send", () => {
  const figures = async (mesh: Record<string, number>) => {
    const { named, report } = await run({ mesh, storage: "float32" });
    const payloads = Object.fromEntries(
      Object.entries(named).map(
        ([
          name,
          {
            communication: { forward, backward },
          },
        ]) => [name, [forward.payloadBytesPerRank, backward.payloadBytesPerRank]],
      ),
    );
    return { payloads, pools: overviewOf(report).rows.map((row) => row[1]) };
  };

  test("is 2·B·G·b in each pass under spatial sharding", async () => {
    // Closed form: 3 samples, 2 numbers of 4 B.
    const { payloads, pools } = await figures({ sequence: 4 });
    const perPass = (groups: number) => [2 * 3 * groups * 4, 2 * 3 * groups * 4];
    expect(payloads).toEqual({
      GN1: perPass(1),
      GN2: perPass(2),
      GN6: perPass(6),
      GN12: perPass(12),
      IN: perPass(12),
    });
    expect(pools).toEqual([...Array(4).fill("channel group, 4 ranks"), "one channel, 4 ranks"]);
  });

  test("is that of the blocks which tensor ranks hold between them, and nothing for whole ones", async () => {
    // Hand: over 4 ranks of 3 channels, a block of 12 spans 4 ranks, of 6 spans 2; 12 blocks of 1 lie on one.
    const normalizers = entries.filter(({ name }) => name !== "GN6");
    const { named, report } = await run({ mesh: { tensor: 4 }, normalizers, storage: "float32" });
    const payload = (name: string) => named[name]!.communication.forward.payloadBytesPerRank;
    expect(["GN1", "GN2", "GN12", "IN"].map(payload)).toEqual([24, 24, 0, 0]);
    expect(overviewOf(report).rows.map((row) => row[1])).toEqual([
      "channel group, 4 ranks",
      "channel group, 2 ranks",
      "channel group",
      "one channel",
    ]);
  });

  test("makes exactly the ranks of a set depend on each other", async () => {
    // Table test 37 for blocks of channels: 2 of 2 ranks each.
    const entry = { type: "group-norm", groups: 2 };
    const { dependency } = await findEvidence({ name: "GN", entry }, { data: 1, tensor: 4, sequence: 1 });
    const blocks = [
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 1],
      [0, 0, 1, 1],
    ];
    expect(dependency).toEqual({ forward: blocks, backward: blocks });
  });
});

describe("BatchNorm's groups on a mesh", () => {
  const mesh = { data: 4, tensor: 2, sequence: 1 };
  const spec = (group: unknown) =>
    scenarioFrom({ mesh, data, normalizers: [{ type: "batch-norm", group }] }).normalizers[0]!;
  const lists = (group: unknown) => groupsOf(spec(group), mesh, 4).map(({ ranks }) => ranks);

  test("join ranks that hold the same channels", () => {
    // Hand: rank = data · 2 + tensorIndex; nodes of 4 ranks hold 2 data coordinates.
    const pairs = [
      [0, 2],
      [4, 6],
      [1, 3],
      [5, 7],
    ];
    expect(lists("node")).toEqual(pairs);
    expect(lists(2)).toEqual(pairs);
    expect(lists(3)).toEqual([[0, 2, 4], [6], [1, 3, 5], [7]]);
    const listed = [[6, 0], [1], [2, 4], [3, 5, 7]];
    expect(lists(listed)).toEqual([[0, 6], [1], [2, 4], [3, 5, 7]]);
  });

  test("give what they give where channels are not cut", async () => {
    const normalizers = [
      { name: "two", type: "batch-norm", group: 2, weight, bias },
      { name: "moments", type: "batch-norm", group: 2, implementation: "all-reduce-moments" },
      { name: "renorm", type: "batch-renorm", group: "world", weight, bias },
      { name: "local renorm", type: "batch-renorm", group: "rank" },
    ];
    const fields = { normalizers, trainingSteps: 3 };
    const { kept, named } = await run({ mesh: { data: 4, tensor: 3 }, ...fields });
    const { kept: whole, named: wholeNamed } = await run({ mesh: { data: 4 }, ...fields });
    expectSame(kept, whole, 10 * tolerance);
    for (const name of Object.keys(named)) {
      const { mean, expected } = wholeNamed[name]!.divergence.outputMse;
      expectClose([named[name]!.divergence.outputMse.mean!], [mean!], 1e-12, tolerance ** 2, name);
      expect(named[name]!.divergence.outputMse.expected).toBe(expected);
    }
  });

  test("of renormalisation over sequence ranks are those over whole samples", async () => {
    const normalizers = [{ name: "renorm", type: "batch-renorm", group: "world" }];
    const { kept } = await run({ mesh: { data: 2, sequence: 3 }, normalizers, trainingSteps: 3 });
    expectSame(kept, (await run({ mesh: { data: 2 }, normalizers, trainingSteps: 3 })).kept, 10 * tolerance);
  });
});
