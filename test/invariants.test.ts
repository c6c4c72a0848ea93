import { describe, expect, test } from "vitest";
import type { CompletedPass } from "../src/engine/coordinator.ts";
import type { Report } from "../src/report/report.ts";
import type { NpyBatches } from "../src/scenario/npy-source.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracles: invariants. Where bits are compared, no tolerance applies.

interface Arrays {
  readonly y: number[][];
  readonly dx: number[][];
  readonly runningVariance: number[][];
}

const copyOf = ({ ranks, normalizer }: CompletedPass): Arrays => ({
  y: ranks.map(({ y }) => Array.from(y)),
  dx: ranks.map(({ dx }) => Array.from(dx)),
  runningVariance: ranks.map(({ runningVariance }) => Array.from(runningVariance[normalizer]!)),
});

/** Run and keep each normaliser's arrays, by name. */
async function runArrays(
  fields: Record<string, unknown>,
  batches?: NpyBatches,
): Promise<Record<string, Arrays>> {
  const scenario = scenarioFrom(fields);
  const kept: Record<string, Arrays> = {};
  await simulate(scenario, {
    ...(batches === undefined ? {} : { batches }),
    onPass(pass) {
      kept[scenario.normalizers[pass.normalizer]!.name] = copyOf(pass);
    },
  });
  return kept;
}

/** Deterministic values without structure. */
const wave = (i: number): number => Math.sin(i * 12.9898) * 3 + Math.cos(i * 4.1414);

/** [N, C] batches in float64 from rows, one list of rows per rank. */
function batchesOf(ranks: readonly (readonly (readonly number[])[])[], channels: number): NpyBatches {
  return {
    samples: ranks.map((rows) => rows.length),
    channels,
    positionExtents: [],
    storage: "float64",
    x: ranks.map((rows) => Float64Array.from(rows.flat())),
    dy: ranks.map((rows) => Float64Array.from(rows.flat().map((value, i) => wave(i) + value / 7))),
    mask: null,
  };
}

const files = (count: number): { source: string; files: string[] } => ({
  source: "npy",
  files: Array.from({ length: count }, (_, rank) => `rank${rank}.npy`),
});

const rows = (count: number, channels: number, seed: number): number[][] =>
  Array.from({ length: count }, (_, n) =>
    Array.from({ length: channels }, (_, c) => wave(seed + n * channels + c)),
  );

describe("groups (table test 12)", () => {
  const data = { source: "gaussian", samples: [3, 0, 5, 2], channels: 5, positions: [3] };

  test("a group of one rank is local BatchNorm, bit for bit", async () => {
    const normalizers = [
      { name: "rank", type: "batch-norm", group: "rank" },
      { name: "one", type: "batch-norm", group: 1 },
    ];
    const kept = await runArrays({ mesh: { data: 4 }, data, normalizers });
    expect(kept.one).toEqual(kept.rank);
  });

  test("a group of all ranks is the world, bit for bit, and so is a node that holds them", async () => {
    const normalizers = [
      { name: "world", type: "batch-norm", group: "world" },
      { name: "four", type: "batch-norm", group: 4 },
      { name: "node", type: "batch-norm", group: "node" },
    ];
    const kept = await runArrays({ mesh: { data: 4 }, data, normalizers });
    expect(kept.four).toEqual(kept.world);
    expect(kept.node).toEqual(kept.world);
  });

  test("one rank alone needs no peer: the world, the rank and the whole batch are the same", async () => {
    const one = { ...data, samples: 6 };
    const normalizers = [
      { name: "world", type: "batch-norm", group: "world" },
      { name: "rank", type: "batch-norm", group: "rank" },
    ];
    const kept = await runArrays({ mesh: { data: 1 }, data: one, normalizers });
    expect(kept.world).toEqual(kept.rank);
    const report = await simulate(scenarioFrom({ mesh: { data: 1 }, data: one, normalizers }));
    for (const { communication, divergence } of report.normalizers) {
      expect(communication.total.messages).toBe(0);
      expect(divergence.outputMse.max).toBe(0);
      expect(divergence.meanGap.max).toBe(0);
    }
  });
});

describe("LayerNorm does not see other samples (table test 34)", () => {
  const channels = 7;
  const all = rows(8, channels, 100);
  const normalizers = [{ name: "LN", type: "layer-norm" }];
  const spread = async (counts: number[], order: number[] = all.map((_, i) => i)): Promise<number[]> => {
    const ranks = counts.map((count, rank) => {
      const first = counts.slice(0, rank).reduce((sum, before) => sum + before, 0);
      return order.slice(first, first + count).map((i) => all[i]!);
    });
    const kept = await runArrays(
      { mesh: { data: counts.length }, data: files(counts.length), normalizers },
      batchesOf(ranks, channels),
    );
    const outputs = kept.LN!.y.flat();
    return order.flatMap((_, i) => {
      const at = order.indexOf(i) * channels;
      return outputs.slice(at, at + channels);
    });
  };

  test("its bits do not depend on the world size", async () => {
    const whole = await spread([8]);
    expect(await spread([4, 4])).toEqual(whole);
    expect(await spread([1, 1, 1, 1, 1, 1, 1, 1])).toEqual(whole);
    expect(await spread([5, 0, 3])).toEqual(whole);
  });

  test("its bits do not depend on the order of the batch", async () => {
    expect(await spread([4, 4], [7, 3, 1, 0, 2, 6, 5, 4])).toEqual(await spread([8]));
  });

  test("its bits do not depend on what else is in the batch", async () => {
    const [first] = await Promise.all([
      runArrays(
        { mesh: { data: 2 }, data: files(2), normalizers },
        batchesOf([[all[0]!], [all[1]!]], channels),
      ),
    ]);
    const second = await runArrays(
      { mesh: { data: 2 }, data: files(2), normalizers },
      batchesOf([[all[0]!], [all[5]!]], channels),
    );
    expect(second.LN!.y[0]).toEqual(first.LN!.y[0]);
    expect(second.LN!.dx[0]).toEqual(first.LN!.dx[0]);
    expect(second.LN!.y[1]).not.toEqual(first.LN!.y[1]);
  });
});

describe("who depends on whom (table tests 37 and 39)", () => {
  const ranksOfOne = [0, 1, 2, 3].map((rank) => rows(3, 1, 10 * rank + 1));
  const normalizers = [
    { name: "SyncBN", type: "batch-norm", group: "world", epsilon: 1e-5 },
    { name: "local", type: "batch-norm", group: "rank" },
    { name: "LN", type: "layer-norm" },
  ];
  const outputs = (ranks: number[][][]): Promise<Record<string, Arrays>> =>
    runArrays({ mesh: { data: 4 }, data: files(4), normalizers }, batchesOf(ranks, 1));

  test("moving a sample of one rank moves SyncBN's output on all by −iv(1 + x̂_a x̂_b)/N, and local BN's on none", async () => {
    // Closed form: the off-diagonal Jacobian of x̂ (statistics reference A7). Central differences with
    // h = 1e-5 err by h²·|x̂'''| ~ 1e-10 and by rounding 1e-16/h ~ 1e-11.
    const h = 1e-5;
    const moved = (by: number): number[][][] =>
      ranksOfOne.map((r, i) => r.map((row, n) => (i === 1 && n === 2 ? [row[0]! + by] : row)));
    const [plus, minus, still] = await Promise.all([
      outputs(moved(h)),
      outputs(moved(-h)),
      outputs(ranksOfOne),
    ]);
    const values = ranksOfOne.flat(2);
    const mean = values.reduce((a, b) => a + b) / 12;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / 12;
    const iv = 1 / Math.sqrt(variance + 1e-5);
    const xHat = values.map((value) => (value - mean) * iv);
    for (const rank of [0, 2, 3]) {
      const slope = plus.SyncBN!.y[rank]!.map((value, i) => (value - minus.SyncBN!.y[rank]![i]!) / (2 * h));
      const want = [0, 1, 2].map((n) => (-iv * (1 + xHat[rank * 3 + n]! * xHat[5]!)) / 12);
      expectClose(slope, want, 0, 1e-8);
      expect(plus.local!.y[rank]).toEqual(still.local!.y[rank]);
      expect(plus.LN!.y[rank]).toEqual(still.LN!.y[rank]);
    }
    expect(plus.local!.y[1]).not.toEqual(still.local!.y[1]);
  });

  test("the cross-rank part of SyncBN's Jacobian has the energy 2 − Σ(n² + 2S1² + S2²)/N²", async () => {
    // A7 with ε = 0: energy of (1 + x̂_a x̂_b)/N over pairs on different ranks.
    const epsilonless = [{ name: "SyncBN", type: "batch-norm", group: "world", epsilon: 0 }];
    const { SyncBN } = await runArrays(
      { mesh: { data: 4 }, data: files(4), normalizers: epsilonless },
      batchesOf(ranksOfOne, 1),
    );
    const N = 12;
    let energy = 0;
    let within = 0;
    for (const [r, a] of SyncBN!.y.entries()) {
      const s1 = a.reduce((sum, value) => sum + value, 0);
      const s2 = a.reduce((sum, value) => sum + value * value, 0);
      within += (9 + 2 * s1 * s1 + s2 * s2) / (N * N);
      for (const [s, b] of SyncBN!.y.entries()) {
        if (r === s) continue;
        for (const u of a) for (const v of b) energy += ((1 + u * v) / N) ** 2;
      }
    }
    expectClose([energy], [2 - within], 1e-12, 0);
  });
});

describe("masks (table tests 20, 21, 23)", () => {
  const base = { ...batchesOf([rows(4, 3, 1), rows(2, 3, 50)], 3) };
  const normalizers = [
    { name: "BN", type: "batch-norm", group: "world" },
    { name: "LN", type: "layer-norm" },
  ];
  const fields = { mesh: { data: 2 }, data: files(2), normalizers };

  test("a mask that is all valid changes no bit", async () => {
    const all = base.samples.map((samples) => new Uint8Array(samples).fill(1));
    expect(await runArrays(fields, { ...base, mask: all })).toEqual(await runArrays(fields, base));
  });

  test("what lies in padding, NaN included, changes no bit of the rest", async () => {
    const mask = [Uint8Array.of(1, 0, 1, 1), Uint8Array.of(0, 1)];
    const padded = (value: number): Float64Array[] =>
      base.x.map((x, rank) =>
        Float64Array.from(x, (v, i) => (mask[rank]![Math.floor(i / 3)] === 0 ? value : v)),
      );
    const [zeros, nans] = await Promise.all([
      runArrays(fields, { ...base, x: padded(0), mask }),
      runArrays(fields, { ...base, x: padded(Number.NaN), mask }),
    ]);
    expect(nans).toEqual(zeros);
    expect(nans.BN!.y.flat().every(Number.isFinite)).toBe(true);
    expect(nans.BN!.y[0]!.slice(3, 6)).toEqual([0, 0, 0]);
  });

  test("a rank of padding alone counts as empty", async () => {
    const mask = [Uint8Array.of(1, 1, 1, 1), Uint8Array.of(0, 0)];
    const padded = await runArrays(fields, { ...base, mask });
    const alone = await runArrays(
      { ...fields, mesh: { data: 1 }, data: files(1) },
      batchesOf([rows(4, 3, 1)], 3),
    );
    // The payload rounds nothing in float64 but 1/√(v + ε): a few units of 2^-53.
    expectClose(padded.BN!.y[0]!, alone.BN!.y[0]!, 1e-14, 1e-15);
  });
});

describe("determinism (table test 52)", () => {
  const fields = {
    seed: 11,
    mesh: { data: 6 },
    data: {
      source: "heavy-tailed",
      degreesOfFreedom: 5,
      samples: [2, 3, 0, 1, 4, 2],
      channels: 9,
      positions: [5],
    },
    normalizers: [
      { type: "batch-norm", group: "world" },
      { type: "batch-norm", group: 4 },
      { type: "layer-norm" },
    ],
    trainingSteps: 2,
  };
  const bytes = (report: Report): string => JSON.stringify(report);

  test("the same seed gives the same bytes, another seed does not", async () => {
    const once = bytes(await simulate(scenarioFrom(fields)));
    expect(bytes(await simulate(scenarioFrom(fields)))).toBe(once);
    expect(bytes(await simulate(scenarioFrom({ ...fields, seed: 12 })))).not.toBe(once);
  });

  test("a normaliser's numbers do not depend on which others run", async () => {
    const all = await simulate(scenarioFrom(fields));
    const { normalizers } = await simulate(
      scenarioFrom({ ...fields, normalizers: [{ type: "layer-norm" }] }),
    );
    expect(normalizers[0]).toEqual(all.normalizers[2]);
  });
});

test("a run of one-value groups at ε = 0 stays finite: x̂ = 0 and dx = 0 (table tests 16 and 19)", async () => {
  const normalizers = [{ name: "local", type: "batch-norm", group: "rank", epsilon: 0, bias: 0.5 }];
  const kept = await runArrays(
    { mesh: { data: 2 }, data: files(2), normalizers },
    batchesOf([[[3]], [[4]]], 1),
  );
  expect(kept.local).toEqual({ y: [[0.5], [0.5]], dx: [[0], [0]], runningVariance: [[1], [1]] });
});
