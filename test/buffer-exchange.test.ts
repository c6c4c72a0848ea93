import { describe, expect, test } from "vitest";
import { piscinaHost } from "../src/node/piscina-host.ts";
import { simulate } from "../src/simulate.ts";
import { momentsOf, variance } from "../src/statistics/moments.ts";
import { expectRelative } from "./support/close.ts";
import { channelValues, measured } from "./support/evaluated.ts";
import { scenarioFrom } from "./support/scenario.ts";

const [ranks, channels, steps] = [4, 6, 3];
const base = {
  seed: 25,
  mesh: { data: ranks },
  data: { source: "gaussian", samples: 5, channels, positions: [3], mean: 1, channelSpread: 0.5 },
  trainingSteps: steps,
  backward: false,
};
const entry = (buffers: string, more: Record<string, unknown> = {}) => ({
  name: buffers,
  type: "batch-norm",
  buffers,
  ...more,
});
/** A dozen float64 operations on numbers of one size. */
const tolerance = 1e-12;

describe("broadcast", () => {
  test("puts every rank on rank 0's buffers before the next forward, bit for bit", async () => {
    // Definition: running = (1 − m)·rank 0's, as float32 carries it, + m·the rank's own batch.
    const [m, float32] = [0.25, Math.fround];
    let before: Float64Array | null = null;
    let compared = 0;
    const scenario = { ...base, normalizers: [entry("broadcast", { momentum: m })] };
    await measured(scenario, ({ ranks }) => {
      for (const { runningMean, used } of ranks) {
        for (let c = 0; c < channels; c++) {
          const start = before === null ? 0 : float32(before[c]!);
          expect(runningMean[0]![c]).toBe((1 - m) * start + m * used.mean[c]!);
          compared++;
        }
      }
      before = ranks[0]!.runningMean[0]!.slice();
    });
    expect(compared).toBe(ranks * channels * steps);
  });

  test("goes on counting from rank 0's batches where momentum is null", async () => {
    // Definition, by hand: the third batch weighs a third on every rank.
    let before = 0;
    await measured({ ...base, normalizers: [entry("broadcast", { momentum: null })] }, (pass) => {
      const { runningMean, used } = pass.ranks[2]!;
      const weight = 1 / (pass.trainingStep + 1);
      expectRelative(
        runningMean[0]![0]!,
        (1 - weight) * Math.fround(before) + weight * used.mean[0]!,
        tolerance,
      );
      before = pass.ranks[0]!.runningMean[0]![0]!;
    });
  });

  test("evaluates with rank 0's history on every rank", async () => {
    const normalizers = [entry("broadcast"), entry("per-rank")];
    const { normalizers: reports } = await simulate(scenarioFrom({ ...base, normalizers, evaluation: {} }));
    const [broadcast, own] = reports.map(({ runningStatistics }) => runningStatistics!);
    expect(broadcast!.meanSpread.max).toBe(0);
    expect(broadcast!.varianceSpread.max).toBe(0);
    expect(new Set(broadcast!.evaluationGap.perRank).size).toBe(1);
    // Each of 4 broadcasts rounds to float32: 2^-24 of numbers below 4, against gaps of a tenth.
    expectRelative(broadcast!.evaluationGap.perRank[0]!, own!.evaluationGap.perRank[0]!, 1e-5);
    expect(own!.meanSpread.mean).toBeGreaterThan(0);
  });
});

describe("bytes", () => {
  const all = ["per-rank", "broadcast", "average", "precise", "precise-average"];
  const evaluated = {
    ...base,
    normalizers: all.map((buffers) => entry(buffers)),
    evaluation: { batches: 1, preciseBatches: 2 },
  };

  test("are those of the collectives: DDP's 2C·b + 8 a step, timm's 2C·b once", async () => {
    // Closed form, in float32. A broadcast reaches every rank once; a ring all-reduce sends 2(R − 1) payloads.
    const { normalizers } = await simulate(scenarioFrom(evaluated));
    const got = normalizers.map(({ name, communication: { forward }, runningStatistics }) => {
      const once = runningStatistics!.communication;
      return [name, forward.payloadBytesPerRank, forward.wireBytes, once.payloadBytesPerRank, once.wireBytes];
    });
    const broadcast = 2 * channels * 4 + 8;
    const [mean, moments, average] = [2 * channels * 4, 3 * channels * 4, (2 * channels + 1) * 4];
    const [once, reduce] = [ranks - 1, 2 * (ranks - 1)];
    expect(got).toEqual([
      ["per-rank", 0, 0, 0, 0],
      ["broadcast", steps * broadcast, steps * once * broadcast, broadcast, once * broadcast],
      ["average", 0, 0, mean, reduce * mean],
      ["precise", 0, 0, moments, reduce * moments],
      ["precise-average", 0, 0, average, reduce * average],
    ]);
  });

  test("go to the ranks that hold the same channels, whatever the normaliser's group", async () => {
    // By hand: 2 tensor ranks hold 3 channels each; 2 groups of 2 data ranks, each with one message a step.
    const normalizers = [entry("broadcast", { group: "world" })];
    const mesh = { data: 2, tensor: 2 };
    const { broadcast } = await measured({ ...base, mesh, normalizers, evaluation: {} });
    const sent = broadcast!.collectives.filter(({ shape }) => shape.operation === "broadcast");
    const ofStep = [
      [0, 2, 8],
      [1, 3, 8],
    ];
    expect(sent.map(({ group, shape }) => [...group.ranks, shape.values])).toEqual(
      [ofStep, ofStep, ofStep].flat(),
    );
  });

  test("are none on one rank, whose statistics are still estimated again", async () => {
    const { normalizers } = await simulate(scenarioFrom({ ...evaluated, mesh: { data: 1 } }));
    for (const { communication, runningStatistics } of normalizers) {
      expect(communication.total.collectives).toBe(0);
      expect(runningStatistics!.communication.collectives).toBe(0);
    }
    const [own, , average, precise] = normalizers.map(
      ({ runningStatistics }) => runningStatistics!.meanLag.mean!,
    );
    // The payload is float32 here too: 2^-24 of a running mean near 1, against a lag near 0.8.
    expectRelative(average!, own!, 1e-6);
    expect(precise!).toBeLessThan(own! / 2);
  });
});

test("averaging ranks' variances omits exactly Σ (n_r/N)(m_r − M)²", async () => {
  // Exact algebra (Chan): V = Σ(n_r/N) v_r + Σ(n_r/N)(m_r − M)². Momentum 1 remembers one batch.
  const normalizers = [
    entry("average", { momentum: 1 }),
    entry("per-rank", { momentum: 1 }),
    { name: "SyncBN", type: "batch-norm", group: "world", momentum: 1, implementation: "all-reduce-moments" },
  ];
  const scenario = { ...base, trainingSteps: 1, storage: "float64", normalizers, evaluation: { batches: 1 } };
  const records = await measured(scenario);
  const [average, own, sync] = ["average", "per-rank", "SyncBN"].map(
    (name) => records[name]!.evaluation!.ranks,
  );
  const n = 15;
  for (let c = 0; c < channels; c++) {
    const between = variance(momentsOf(own!.map(({ mean }) => mean[c]!)), "biased");
    const whole = sync![0]!.variance[c]! * ((n * ranks - 1) / (n * ranks));
    for (const { variance: averaged } of average!)
      expectRelative(whole - averaged[c]! * ((n - 1) / n), between, 1e-10);
  }
});

test("precise statistics are those of all fresh values, and their average misses Var(m_b)", async () => {
  // Slow reference on the same draws: the microbatches that follow training, two on each rank.
  const preciseBatches = 2;
  const fields = {
    ...base,
    storage: "float64",
    normalizers: [entry("precise"), entry("precise-average")],
    evaluation: { batches: 1, preciseBatches },
  };
  const records = await measured(fields);
  const scenario = scenarioFrom(fields);
  for (let c = 0; c < channels; c++) {
    const batches = Array.from({ length: ranks * preciseBatches }, (_, b) =>
      channelValues(scenario, b % ranks, steps + Math.floor(b / ranks), c),
    );
    const moments = batches.map(momentsOf);
    const all = momentsOf(batches.flat());
    const unbiased = moments.reduce((sum, m) => sum + variance(m, "unbiased"), 0) / moments.length;
    for (const rank of records.precise!.evaluation!.ranks) {
      expectRelative(rank.mean[c]!, all.mean, tolerance);
      expectRelative(rank.variance[c]!, variance(all, "biased"), tolerance);
    }
    for (const rank of records["precise-average"]!.evaluation!.ranks) {
      expectRelative(rank.mean[c]!, all.mean, tolerance);
      expectRelative(rank.variance[c]!, unbiased, tolerance);
    }
    const biased = unbiased * (14 / 15);
    const between = variance(momentsOf(moments.map(({ mean }) => mean)), "biased");
    expectRelative(variance(all, "biased") - biased, between, 1e-10);
  }
});

test("averages of precise statistics leave out batches of one value, which have no unbiased variance", async () => {
  // Slow reference: two values each of ranks 1 and 2 count, the one of rank 0 does not.
  const fields = {
    ...base,
    mesh: { data: 3 },
    data: { ...base.data, positions: [], samples: [1, 2, 2] },
    storage: "float64",
    normalizers: [entry("precise-average")],
    evaluation: { batches: 1, preciseBatches: 1 },
  };
  const evaluation = (await measured(fields))["precise-average"]!.evaluation!;
  const scenario = scenarioFrom(fields);
  for (let c = 0; c < channels; c++) {
    const [one, other] = [1, 2].map((rank) => momentsOf(channelValues(scenario, rank, steps, c)));
    for (const rank of evaluation.ranks) {
      expectRelative(rank.mean[c]!, (one!.mean + other!.mean) / 2, tolerance);
      expectRelative(rank.variance[c]!, (one!.m2 + other!.m2) / 2, tolerance);
    }
  }
});

test("threads give the bytes of the in-process host", async () => {
  const scenario = scenarioFrom({
    ...base,
    accumulation: 2,
    normalizers: [entry("broadcast"), entry("average", { deferred: true }), entry("precise", { group: 2 })],
    evaluation: { batches: 2, preciseBatches: 2 },
  });
  const bytes = async (host?: ReturnType<typeof piscinaHost>): Promise<string> =>
    JSON.stringify(await simulate(scenario, host === undefined ? {} : { host }), (key, value: unknown) =>
      key === "wallSeconds" ? 0 : value,
    );
  expect(await bytes(piscinaHost({ threads: 3 }))).toBe(await bytes());
});
