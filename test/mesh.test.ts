import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import { dumpPass } from "../src/node/dump.ts";
import { communicatesOver, ranksSharingSets } from "../src/normalizers/axis-rule.ts";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import type { NormalizerReport } from "../src/report/report.ts";
import { coordinatesOf, shardOf } from "../src/scenario/mesh.ts";
import { decodeNpy } from "../src/scenario/npy.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";

// Oracles: the same run without shards, and closed forms of what a ring sends.

const gaussian = {
  source: "gaussian",
  samples: 3,
  channels: 7,
  positions: [5, 2],
  mean: 3,
  channelSpread: 1,
};
const weight = [1.5, -0.5, 2, 1, 0.25, 3, -1];
const bias = [0.25, 0, -1, 3, 2, -2, 1];
const normalizers = [
  { name: "LN", type: "layer-norm", weight, bias },
  { name: "RMS", type: "rms-norm", weight, bias },
];

async function run(fields: Record<string, unknown>) {
  const scenario = scenarioFrom({ data: gaussian, normalizers, storage: "float64", ...fields });
  const kept: Record<string, JoinedRank[]> = {};
  const report = await simulate(scenario, {
    onPass({ normalizer, ranks }) {
      kept[scenario.normalizers[normalizer]!.name] = unsharded(scenario.mesh, ranks);
    },
  });
  return { kept, report, LN: report.normalizers[0]!, RMS: report.normalizers[1]! };
}

const forward = ({ communication }: NormalizerReport) => communication.forward;

describe("a mesh", () => {
  test("numbers its ranks with tensor fastest and data slowest", () => {
    // Hand: rank = (data · 2 + sequence) · 3 + tensor.
    const mesh = { data: 2, sequence: 2, tensor: 3 };
    expect(coordinatesOf(mesh, 0)).toEqual({ data: 0, sequence: 0, tensor: 0 });
    expect(coordinatesOf(mesh, 5)).toEqual({ data: 0, sequence: 1, tensor: 2 });
    expect(coordinatesOf(mesh, 10)).toEqual({ data: 1, sequence: 1, tensor: 1 });
  });

  test("splits channels and the first position axis into blocks that differ by at most one", () => {
    // Hand: 7 channels in 3 blocks 2, 2, 3; 5 rows of 2 positions in 2 blocks of 2 and 3 rows.
    const mesh = { data: 1, sequence: 2, tensor: 3 };
    const shards = Array.from({ length: 6 }, (_, rank) => shardOf(mesh, rank, 7, [5, 2]));
    expect(shards.map(({ firstChannel, channels }) => [firstChannel, channels]).slice(3)).toEqual([
      [0, 2],
      [2, 2],
      [4, 3],
    ]);
    expect(shards.map(({ firstPosition, positions }) => [firstPosition, positions]).slice(2, 4)).toEqual([
      [0, 4],
      [4, 6],
    ]);
  });

  test("makes a normaliser communicate exactly over the axes that shard what it reduces", () => {
    const mesh = { data: 2, sequence: 1, tensor: 2 };
    expect(communicatesOver(["channels"], mesh)).toEqual(["tensor"]);
    expect(communicatesOver(["samples", "positions"], mesh)).toEqual(["data"]);
    expect(communicatesOver(["positions"], mesh)).toEqual([]);
    const ranks = (reduces: Parameters<typeof ranksSharingSets>[0]) => ranksSharingSets(reduces, mesh);
    expect(ranks(["channels"])).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(ranks(["samples", "positions"])).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(ranks(["positions"])).toEqual([[0], [1], [2], [3]]);
  });
});

describe("data of a mesh", () => {
  const sources = [
    gaussian,
    { source: "heavy-tailed", samples: 2, channels: 4, positions: 6, degreesOfFreedom: 3 },
    { source: "label-skew", samples: 3, channels: 4, positions: 6, concentration: 1 },
    { source: "sequences", samples: 3, channels: 4, positions: 6 },
  ];
  for (const data of sources) {
    test(`do not depend on how they are spread, bit for bit: ${data.source}`, async () => {
      const plain = [{ name: "LN", type: "layer-norm" }];
      const of = async (mesh: Record<string, number>) => {
        const { kept } = await run({ mesh, data, normalizers: plain, storage: "float32" });
        return kept.LN!.map(({ x, dy, mask }) => ({ x, dy, mask }));
      };
      const whole = await of({ data: 2 });
      expect(await of({ data: 2, tensor: 3 })).toEqual(whole);
      expect(await of({ data: 2, tensor: 2, sequence: 4 })).toEqual(whole);
    });
  }
});

describe("LayerNorm and RMSNorm on sharded features (table test 58)", () => {
  // 7 channels of order 10 (mean 3, spread 1) in another order and merged: some ten roundings of 1.1e-16, times
  // κ = max|x|/σ of a token, below 10. dWeight and dBias sum 60 of them.
  const tolerance = 1e-13;
  for (const mesh of [
    { tensor: 3 },
    { data: 2, tensor: 4, sequence: 5 },
    { data: 2, sequence: 3 },
    { tensor: 7 },
  ]) {
    test(`are what they are on whole tokens: mesh ${JSON.stringify(mesh)}`, async () => {
      const { kept, report } = await run({ mesh });
      const { kept: whole } = await run({ mesh: { data: mesh.data ?? 1 } });
      for (const [name, ranks] of Object.entries(kept)) {
        for (const [data, got] of ranks.entries()) {
          for (const key of ["y", "dx", "dWeight", "dBias"] as const)
            expectClose(got[key], whole[name]![data]![key], 0, tolerance, `${name} ${key}`);
        }
      }
      for (const { divergence } of report.normalizers) {
        expect(divergence.outputMse.expected).toBe(0);
        // The square of that tolerance.
        expect(divergence.outputMse.max).toBeLessThan(tolerance ** 2);
        expectClose([divergence.gradientCosine.min!], [1], 0, tolerance);
        expect(divergence.meanGap.max).toBeLessThan(tolerance);
      }
    });
  }

  for (const allReduce of allReduceAlgorithms) {
    test(`merge uneven shards exactly in whatever order: ${allReduce}`, async () => {
      const algorithms = { allReduce };
      const mesh = { tensor: 6 };
      const data = { ...gaussian, mean: 1000, std: 0.5 };
      const { kept } = await run({ mesh, data, algorithms });
      const { kept: whole } = await run({ data });
      // κ is now 1000/0.5 and more: 2e4 times some ten roundings.
      expectClose(kept.LN![0]!.y, whole.LN![0]!.y, 0, 2e-11);
      expectClose(kept.LN![0]!.dx, whole.LN![0]!.dx, 0, 1e-10);
    });
  }

  test("leave padding alone", async () => {
    const data = { source: "sequences", samples: 4, channels: 7, positions: 6 };
    const { kept, LN } = await run({ data, mesh: { tensor: 3, sequence: 2 } });
    const { kept: whole } = await run({ data });
    for (const name of ["LN", "RMS"]) {
      expectClose(kept[name]![0]!.y, whole[name]![0]!.y, 0, tolerance);
      expectClose(kept[name]![0]!.dx, whole[name]![0]!.dx, 0, tolerance);
    }
    expect(LN.numerics).toMatchObject({
      nonFinite: 0,
      clampedVariances: 0,
      constantSets: 0,
      singleValueGroups: 0,
    });
  });

  test("count a token without spread once, although several ranks know of it", async () => {
    // Hand: 2 data coordinates of 1 sample and 3 positions, all equal to 5: 6 tokens.
    const data = { source: "gaussian", samples: 1, channels: 4, positions: 3, mean: 5, std: 1e-30 };
    const { LN } = await run({ data, mesh: { data: 2, tensor: 2 }, normalizers: [{ type: "layer-norm" }] });
    expect(LN.numerics.constantSets).toBe(6);
  });
});

describe("communication under a mesh", () => {
  const data = { ...gaussian, channels: 8, positions: 16 };
  const plain = [{ type: "layer-norm" }, { type: "rms-norm" }];
  const of = (mesh: Record<string, number>, samples: number | number[] = 2) =>
    run({ mesh, data: { ...data, samples }, normalizers: plain, storage: "float32" });

  test("is none under data and sequence parallelism, which cut no token", async () => {
    for (const mesh of [{ data: 4 }, { sequence: 4 }, { data: 2, sequence: 2 }]) {
      const { report } = await of(mesh);
      for (const { communication, divergence } of report.normalizers) {
        expect(communication.total.messages).toBe(0);
        expect(divergence.outputMse.max).toBe(0);
      }
      expect(findingOf(report)).toContain("because each token's features lie on one rank");
    }
  });

  test("is one all-reduce of 2 numbers per token and pass for LayerNorm, and of 1 for RMSNorm", async () => {
    // Closed form: 2 samples x 16 positions = 32 tokens of 4 B; a ring of 4 sends 2·3/4 of the payload.
    const { LN, RMS, report } = await of({ tensor: 4 });
    for (const [normalizer, payload] of [
      [LN, 2 * 32 * 4],
      [RMS, 32 * 4],
    ] as const) {
      for (const pass of ["forward", "backward"] as const) {
        const { collectives, payloadBytesPerRank, sentBytesPerRank, messages } =
          normalizer.communication[pass];
        expect({ collectives, payloadBytesPerRank, sentBytesPerRank, messages }).toEqual({
          collectives: 1,
          payloadBytesPerRank: payload,
          sentBytesPerRank: 1.5 * payload,
          messages: 4 * 6,
        });
      }
    }
    expect(findingOf(report)).toContain("agrees with the whole batch and pays");
  });

  test("halves with the tokens of a rank when they are spread over sequence ranks", async () => {
    const [one, two] = [await of({ tensor: 2 }), await of({ tensor: 2, sequence: 2 })];
    expect(forward(two.LN).payloadBytesPerRank).toBe(forward(one.LN).payloadBytesPerRank / 2);
  });

  test("is none for ranks without samples, and of each group's own tokens", async () => {
    // Closed form: rings of 2 send their payload, 2 numbers x 16 positions x samples x 4 B.
    const { LN } = await of({ data: 3, tensor: 2 }, [3, 3, 0, 0, 1, 1]);
    const sent = LN.perRank.map(({ sentBytes }) => sentBytes);
    const perSample = 2 * 2 * 16 * 4;
    expect(sent).toEqual([3, 3, 0, 0, 1, 1].map((samples) => samples * perSample));
    expect(forward(LN).payloadBytesPerRank).toBe(3 * 2 * 16 * 4);
  });
});

describe("BatchNorm under a mesh", () => {
  // 60 values of order 10 a channel, summed in other orders: n·u·κ = 60 · 1.1e-16 · 10.
  const tolerance = 1e-12;
  const batchNorms = [
    { name: "local", type: "batch-norm", group: "rank", weight, bias },
    { name: "world", type: "batch-norm", group: "world", weight, bias },
    { name: "moments", type: "batch-norm", group: "world", implementation: "all-reduce-moments" },
  ];

  test("of the world pools the ranks that hold the same channels", async () => {
    const { kept, report } = await run({
      mesh: { data: 2, tensor: 3, sequence: 2 },
      normalizers: batchNorms,
    });
    const { kept: whole } = await run({ mesh: { data: 2 }, normalizers: batchNorms });
    for (const name of ["world", "moments"]) {
      for (const [data, got] of kept[name]!.entries()) {
        for (const key of ["y", "dx", "dWeight", "dBias"] as const)
          expectClose(got[key], whole[name]![data]![key], 0, 10 * tolerance, `${name} ${key}`);
      }
    }
    const [, world, moments] = report.normalizers;
    for (const { divergence, communication } of [world!, moments!]) {
      expect(divergence.outputMse).toMatchObject({ expected: 0 });
      expect(divergence.outputMse.max).toBeLessThan(tolerance ** 2);
      expect(divergence.betweenRankShare.max).toBeLessThan(tolerance ** 2);
      expect(communication.forward.collectives).toBe(1);
    }
    expect(overviewOf(report).rows.map((row) => row[1])).toEqual([
      "1 rank",
      "4 ranks",
      "4 ranks, all-reduce-moments",
    ]);
  });

  test("of one rank sees only channels cut under tensor parallelism: the same bits, divergence and expectation", async () => {
    const local = [batchNorms[0]!];
    const [cut, whole] = [
      await run({ mesh: { data: 2, tensor: 3 }, normalizers: local, trainingSteps: 2 }),
      await run({ mesh: { data: 2 }, normalizers: local, trainingSteps: 2 }),
    ];
    expect(cut.kept).toEqual(whole.kept);
    expect(cut.LN.divergence).toEqual(whole.LN.divergence);
  });

  test("of one rank diverges under sequence parallelism as over as many data ranks", async () => {
    // Closed form: 4 positions over 4 ranks are 1 of 4 parts of a channel, as are 4 of 16 samples.
    const local = [batchNorms[0]!];
    const shape = { source: "gaussian", channels: 7 };
    const [sequence, data] = [
      await run({ mesh: { sequence: 4 }, data: { ...shape, samples: 4, positions: 4 }, normalizers: local }),
      await run({ mesh: { data: 4 }, data: { ...shape, samples: 4, positions: 1 }, normalizers: local }),
    ];
    const expected = ({ report }: typeof data) => report.normalizers[0]!.divergence.outputMse.expected;
    expect(expected(sequence)).toBe(expected(data));
    expect(sequence.report.normalizers[0]!.divergence.outputMse.mean).toBeGreaterThan(0.01);
  });
});

test("a dump holds every rank's own shard", async () => {
  // Hand: 7 channels over 2 ranks are 3 and 4, 5 rows of 2 positions over 2 ranks are 2 and 3.
  const folder = mkdtempSync(join(tmpdir(), "mesh-"));
  try {
    const scenario = scenarioFrom({ mesh: { tensor: 2, sequence: 2 }, data: gaussian, normalizers });
    await simulate(scenario, { onPass: (pass) => dumpPass(folder, pass, scenario, gaussian.positions) });
    const shapes = [0, 1, 2, 3].map(
      (rank) => decodeNpy(readFileSync(join(folder, "ln", `rank${rank}.y.npy`))).shape,
    );
    expect(shapes).toEqual([
      [3, 3, 2, 2],
      [3, 4, 2, 2],
      [3, 3, 3, 2],
      [3, 4, 3, 2],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
