import { describe, expect, test } from "vitest";
import type { CompletedPass } from "../src/engine/coordinator.ts";
import { metrics } from "../src/engine/divergence-log.ts";
import { loadedWorkload } from "../src/engine/workload.ts";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import type { Report } from "../src/report/report.ts";
import type { NpyBatches } from "../src/scenario/npy-source.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { expectOutcome } from "./support/expect-outcome.ts";
import { readGolden } from "./support/golden.ts";
import type { BatchNormCase } from "./support/normalizer-case.ts";
import { referenceOutcome } from "./support/outcome.ts";
import { engineOutcome } from "./support/run-case.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { wave } from "./support/wave.ts";

// Oracles: invariants. Where bits are compared, no tolerance applies.

/** Everything a rank ends a pass with. */
const arraysOf = ({ ranks, normalizer }: CompletedPass) =>
  ranks.map(({ y, dx, dWeight, dBias, runningMean, runningVariance }) => ({
    y: Array.from(y),
    dx: Array.from(dx),
    dWeight: Array.from(dWeight),
    dBias: Array.from(dBias),
    runningMean: Array.from(runningMean[normalizer]!),
    runningVariance: Array.from(runningVariance[normalizer]!),
  }));
type Arrays = ReturnType<typeof arraysOf>;

/** Float64 batches of the given samples per rank; sample n of the world is the same however it is spread. */
function batchesOf(samples: readonly number[], channels: number, positionExtents: number[]): NpyBatches {
  const perSample = positionExtents.reduce((product, extent) => product * extent, channels);
  const total = samples.reduce((sum, count) => sum + count, 0);
  const spread = (values: number[]): Float64Array[] => {
    let first = 0;
    return samples.map((count) => {
      const part = Float64Array.from(values.slice(first * perSample, (first + count) * perSample));
      first += count;
      return part;
    });
  };
  const x = wave(total * perSample, 1).map((value, i) => value * (1 + (i % 3)) + 0.25);
  const dy = wave(total * perSample, 2);
  return {
    samples,
    channels,
    positionExtents,
    storage: "float64",
    x: spread(x),
    dy: spread(dy),
    mask: null,
  };
}

/** Run normalisers over batches; each one's arrays after the last step, by name, and the report. */
async function run(
  batches: NpyBatches,
  normalizers: readonly Record<string, unknown>[],
  fields: Record<string, unknown> = {},
): Promise<{ kept: Record<string, Arrays>; report: Report; steps: Record<string, Arrays>[] }> {
  const files = batches.samples.map((_, rank) => `rank${rank}.npy`);
  const data = { source: "npy", files };
  const scenario = scenarioFrom({ mesh: { data: files.length }, data, normalizers, ...fields });
  const steps: Record<string, Arrays>[] = [];
  const report = await simulate(scenario, {
    batches,
    onPass(pass) {
      steps[pass.trainingStep] ??= {};
      steps[pass.trainingStep]![scenario.normalizers[pass.normalizer]!.name] = arraysOf(pass);
    },
  });
  return { kept: steps.at(-1)!, report, steps };
}

const weight = [1.5, -0.5, 2, 1];
const bias = [0.25, 0, -1, 3];

describe("normalisers whose sets lie on one rank", () => {
  const normalizers = [
    { name: "LN", type: "layer-norm" },
    { name: "RMS", type: "rms-norm" },
    { name: "GN", type: "group-norm", groups: 2 },
    { name: "IN", type: "instance-norm" },
  ];

  test("send nothing and are exactly the whole batch's, in every metric", async () => {
    const { report } = await run(batchesOf([2, 0, 3], 4, [3]), normalizers);
    for (const { name, communication, divergence, perRank } of report.normalizers) {
      expect(communication.total.messages, name).toBe(0);
      for (const metric of metrics) {
        const same = metric.endsWith("Cosine") ? 1 : 0;
        expect(divergence[metric], `${name} ${metric}`).toMatchObject({
          min: same,
          max: same,
          expected: same,
        });
      }
      expect(perRank.map(({ meanGap }) => meanGap)).toEqual([0, null, 0]);
    }
  });

  test("give the same bits alone and after others", async () => {
    const batches = batchesOf([2, 3], 4, [3]);
    const { kept } = await run(batches, normalizers);
    for (const spec of normalizers)
      expect((await run(batches, [spec])).kept[spec.name]).toEqual(kept[spec.name]);
  });

  test("give the same bits on any number of ranks (table test 34)", async () => {
    const flat = async (samples: number[]): Promise<unknown> => {
      const { kept } = await run(batchesOf(samples, 4, [3]), normalizers);
      return Object.values(kept).map((ranks) => [ranks.flatMap(({ y }) => y), ranks.flatMap(({ dx }) => dx)]);
    };
    const whole = await flat([6]);
    expect(await flat([3, 3])).toEqual(whole);
    expect(await flat([1, 0, 5])).toEqual(whole);
  });
});

describe("GroupNorm (table test 33)", () => {
  // 6 samples of 4 channels and 3 positions: sums of 12 terms of order 1 in another order, in float64.
  const tolerance = 1e-13;

  test("of one block is LayerNorm over channels and positions", async () => {
    const samples = [4, 2];
    const { kept: blocks } = await run(batchesOf(samples, 4, [3]), [
      { name: "GN", type: "group-norm", groups: 1 },
    ]);
    const { kept: tokens } = await run(batchesOf(samples, 12, []), [{ name: "LN", type: "layer-norm" }]);
    for (const [rank, { y, dx }] of blocks.GN!.entries()) {
      expectClose(y, tokens.LN![rank]!.y, 0, tolerance, "y");
      expectClose(dx, tokens.LN![rank]!.dx, 0, tolerance, "dx");
    }
  });

  test("of as many blocks as channels is InstanceNorm, bit for bit", async () => {
    const { kept } = await run(batchesOf([4, 2], 4, [3]), [
      { name: "GN", type: "group-norm", groups: 4, weight, bias },
      { name: "IN", type: "instance-norm", weight, bias },
    ]);
    expect(kept.GN).toEqual(kept.IN);
  });
});

test("InstanceNorm of one position is its bias and passes no gradient (table test 33)", async () => {
  // Hand: one value is its own mean. PyTorch refuses such an input.
  const { kept, report } = await run(batchesOf([4, 2], 4, []), [
    { name: "IN", type: "instance-norm", weight, bias },
  ]);
  for (const [rank, samples] of [4, 2].entries()) {
    const { y, dx, dWeight } = kept.IN![rank]!;
    expect(y).toEqual(Array.from({ length: samples }, () => bias).flat());
    expect([...dx, ...dWeight].every((value) => value === 0)).toBe(true);
  }
  expect(report.normalizers[0]!.numerics.constantSets).toBe(6 * 4);
});

describe("RMSNorm (table test 35)", () => {
  test("does not see a scale of its input, and sees a shift", async () => {
    const batches = batchesOf([3], 5, [2]);
    const rms = [{ name: "RMS", type: "rms-norm", epsilon: 0 }];
    const image = async (of: (x: number) => number): Promise<number[]> => {
      const { kept } = await run({ ...batches, x: batches.x.map((x) => x.map(of)) }, rms);
      return kept.RMS![0]!.y;
    };
    const plain = await image((x) => x);
    // A power of 2 scales every intermediate result exactly.
    expect(await image((x) => -4 * x)).toEqual(plain.map((y) => -y));
    expect(await image((x) => x + 1)).not.toEqual(plain);
  });

  test("adds the machine epsilon of its storage, as PyTorch does", async () => {
    // Hand: x² = 2^-24 and ε = 2^-23 in float32 leave x/√(3x²); x² = ε = 2^-52 in float64 leave x/√(2x²).
    const rms = [{ name: "RMS", type: "rms-norm" }];
    const one = (x: number): NpyBatches => ({ ...batchesOf([1], 1, []), x: [Float64Array.of(x)] });
    const wide = await run(one(2 ** -26), rms);
    expectClose(wide.kept.RMS![0]!.y, [1 / Math.sqrt(2)], 1e-15, 0);
    const narrow = await run(
      { ...one(1), storage: "float32", x: [Float32Array.of(2 ** -12)], dy: [Float32Array.of(1)] },
      rms,
    );
    expectClose(narrow.kept.RMS![0]!.y, [1 / Math.sqrt(3)], 2 ** -24, 0);
  });
});

describe("batch renormalisation (table test 32)", () => {
  const batches = batchesOf([3, 0, 5], 4, [3]);
  const twoSteps = { trainingSteps: 2 };

  test("unclipped gives what evaluation gives with the running statistics before the step", async () => {
    // Oracle: PyTorch's evaluation formula. x̂ comes back through r and d: a few roundings, amplified by
    // σ_B/σ and |m|/σ, of order 1 here.
    const free = { rMax: 1e6, dMax: 1e6, epsilon: 1e-3, weight, bias };
    const { kept, steps } = await run(
      batches,
      [{ name: "BRN", type: "batch-renorm", group: "world", ...free }],
      twoSteps,
    );
    for (const [rank, { y }] of kept.BRN!.entries()) {
      const { runningMean, runningVariance } = steps[0]!.BRN![rank]!;
      const want = Array.from(batches.x[rank]!, (x, at) => {
        const c = Math.floor(at / 3) % 4;
        return (weight[c]! * (x - runningMean[c]!)) / Math.sqrt(runningVariance[c]! + 1e-3) + bias[c]!;
      });
      expectClose(y, want, 0, 1e-13);
    }
  });

  for (const group of ["rank", "world", [[2, 0], [1]]] as const) {
    test(`at rMax = 1 and dMax = 0 is BatchNorm, bit for bit: group ${JSON.stringify(group)}`, async () => {
      const { kept } = await run(
        batches,
        [
          { name: "BN", type: "batch-norm", group, weight, bias },
          { name: "BRN", type: "batch-renorm", group, weight, bias, rMax: 1, dMax: 0 },
        ],
        twoSteps,
      );
      expect(kept.BRN).toEqual(kept.BN);
    });
  }

  test("clipped is what the slow reference makes of it, on PyTorch's inputs", async () => {
    for (const golden of readGolden("batch-norm").slice(0, 12) as BatchNormCase[]) {
      const example = { ...golden, renorm: { rMax: 1.5, dMax: 0.5 } };
      const got = await engineOutcome(example, { storage: "float64", implementation: "pytorch" });
      expectOutcome(got, { ...example, expected: referenceOutcome(example) }, "float64");
    }
  });

  test("of the world agrees with the whole batch, whose running statistics it keeps", async () => {
    const { report } = await run(
      batches,
      [{ type: "batch-renorm", group: "world", momentum: 0.5 }, { type: "batch-renorm" }],
      { trainingSteps: 3 },
    );
    const [world, alone] = report.normalizers;
    // Squares of rounding errors in float64.
    expect(world!.divergence.outputMse.max).toBeLessThan(1e-26);
    expect(alone!.divergence.outputMse.max).toBeGreaterThan(1e-6);
    expect([world!.divergence.outputMse.expected, alone!.divergence.outputMse.expected]).toEqual([0, null]);
  });
});

describe("ghost batch norm", () => {
  const spec = { weight, bias };

  test("on one device is local BatchNorm on several, bit for bit", async () => {
    const { kept: ghost } = await run(batchesOf([8], 4, [3]), [
      { name: "BN", type: "batch-norm", virtualBatch: 3, ...spec },
    ]);
    const { kept: local } = await run(batchesOf([3, 3, 2], 4, [3]), [
      { name: "BN", type: "batch-norm", group: "rank", ...spec },
    ]);
    const devices = local.BN!;
    const [one] = ghost.BN!;
    expect(one!.y).toEqual(devices.flatMap(({ y }) => y));
    expect(one!.dx).toEqual(devices.flatMap(({ dx }) => dx));
    for (const key of ["dWeight", "dBias"] as const) {
      expect(one![key]).toEqual(
        one![key].map((_, c) => devices[0]![key][c]! + devices[1]![key][c]! + devices[2]![key][c]!),
      );
    }
  });

  test("of one virtual batch is BatchNorm, bit for bit, on full and empty ranks", async () => {
    const { kept, report } = await run(batchesOf([4, 0, 2], 4, [3]), [
      { name: "BN", type: "batch-norm", ...spec },
      { name: "ghost", type: "batch-norm", virtualBatch: 4, ...spec },
    ]);
    expect(kept.ghost).toEqual(kept.BN);
    const [plain, ghost] = report.normalizers;
    expect(ghost!.divergence).toEqual(plain!.divergence);
  });

  test("shows its running statistics every virtual batch in order", async () => {
    // Hand: batches [0, 2] and [4, 8] with momentum 1/4: (0, 1) → (0.25, 1.25) → (1.6875, 2.9375).
    const x = Float64Array.of(0, 2, 4, 8);
    const { kept } = await run({ ...batchesOf([4], 1, []), x: [x] }, [
      { name: "BN", type: "batch-norm", virtualBatch: 2, momentum: 0.25 },
    ]);
    expect(kept.BN![0]).toMatchObject({ runningMean: [1.6875], runningVariance: [2.9375] });
  });

  test("diverges as ranks that hold the virtual batches do, in every metric", async () => {
    const reports = await Promise.all([
      run(batchesOf([8], 4, [3]), [{ type: "batch-norm", virtualBatch: 3 }]),
      run(batchesOf([3, 3, 2], 4, [3]), [{ type: "batch-norm" }]),
    ]);
    const [ghost, local] = reports.map(({ report }) => report.normalizers[0]!);
    // The whole batch's moments are of one pass here and merged from ranks there: roundings of order 1 values.
    for (const metric of metrics) {
      const [got, want] = [ghost!, local!].map(({ divergence }) => Object.values(divergence[metric]));
      expectClose(got as number[], want as number[], 0, 1e-13, metric);
    }
  });
});

describe("groups as lists of ranks", () => {
  const batches = batchesOf([3, 1, 0, 2], 4, [3]);
  const swapped = ([a, b, c, d]: readonly Float64Array[]): Float64Array[] => [a!, c!, b!, d!];

  test("of consecutive ranks are that many ranks, bit for bit, in any order of writing", async () => {
    const lists = [[2, 0, 1], [3]];
    const { kept, report } = await run(batchesOf([3, 1, 4, 2], 4, [3]), [
      { name: "three", type: "batch-norm", group: 3, weight, bias },
      { name: "lists", type: "batch-norm", group: lists, weight, bias },
    ]);
    expect(kept.lists).toEqual(kept.three);
    const [three, listed] = report.normalizers;
    expect(listed!.communication.total).toEqual(three!.communication.total);
    expect(listed!.divergence).toEqual(three!.divergence);
    expect(listed!.group).toEqual(lists);
  });

  test("of every other rank are the consecutive groups of ranks in that order", async () => {
    const { kept: lists } = await run(batches, [
      {
        name: "BN",
        type: "batch-norm",
        group: [
          [0, 2],
          [1, 3],
        ],
      },
    ]);
    const { kept: blocks } = await run(
      {
        ...batches,
        samples: [3, 0, 1, 2],
        x: swapped(batches.x as Float64Array[]),
        dy: swapped(batches.dy as Float64Array[]),
      },
      [{ name: "BN", type: "batch-norm", group: 2 }],
    );
    const [a, b, c, d] = blocks.BN!;
    expect(lists.BN).toEqual([a, c, b, d]);
  });
});

test("the overview says what each pools over, and the finding why some are silent", async () => {
  // Oracle: hand.
  const normalizers = [
    { type: "batch-norm", virtualBatch: 2 },
    { type: "batch-norm", name: "lists", group: [[0, 2], [1]] },
    { type: "batch-renorm", group: "world", implementation: "all-reduce-moments" },
    { type: "layer-norm" },
    { type: "rms-norm" },
    { type: "group-norm", groups: 2 },
    { type: "instance-norm" },
  ];
  const pools = [
    "2 samples",
    "1 to 2 ranks",
    "3 ranks, all-reduce-moments",
    "one token",
    "one token",
    "channel group",
  ];
  const { report } = await run(batchesOf([3, 4, 2], 4, [3]), normalizers);
  const { columns, rows } = overviewOf(report);
  const column = columns.findIndex(({ title }) => title === "pools over");
  expect(rows.map((row) => row[column])).toEqual([...pools, "one channel"]);
  expect(findingOf(report)).toContain(
    "layer-norm, rms-norm, group-norm and instance-norm send nothing, because each sample lies on one rank.",
  );
  const tokens = { ...report, normalizers: report.normalizers.slice(3, 5) };
  expect(findingOf(tokens)).toBe(
    "Layer-norm and rms-norm send nothing, because each token's features lie on one rank.",
  );
});

test("blocks that do not divide the channels of a file are refused", () => {
  const scenario = scenarioFrom({
    data: { source: "npy", files: ["a.npy"] },
    normalizers: [{ type: "layer-norm" }, { type: "group-norm", groups: 3 }],
  });
  expect(() => loadedWorkload(scenario, batchesOf([2], 4, []))).toThrow(
    "normalizers[1].groups: expected a divisor of the 4 channels, got 3",
  );
});
