import { describe, expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { scheduleSeconds } from "../src/cost/alpha-beta.ts";
import { linkConstants } from "../src/cost/links.ts";
import { runWorkload } from "../src/engine/coordinator.ts";
import { metrics } from "../src/engine/divergence-log.ts";
import { inProcessHost } from "../src/engine/in-process-host.ts";
import { syntheticWorkload } from "../src/engine/workload.ts";
import type { NormalizerReport, Report } from "../src/report/report.ts";
import type { NpyBatches } from "../src/scenario/npy-source.ts";
import { simulate } from "../src/simulate.ts";
import { expectedDivergence } from "../src/statistics/expected-divergence.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

const arithmeticTolerance = 1e-13; // a few dozen float64 roundings of 2^-53

function named(report: Report, name: string): NormalizerReport {
  return report.normalizers.find((normalizer) => normalizer.name === name)!;
}

function batches(x: readonly (readonly number[])[], dy: readonly (readonly number[])[]): NpyBatches {
  return {
    samples: x.map(({ length }) => length),
    channels: 1,
    positionExtents: [],
    storage: "float64",
    x: x.map((values) => Float64Array.from(values)),
    dy: dy.map((values) => Float64Array.from(values)),
    mask: null,
  };
}

describe("a report of ranks [1, 2, 3] and [10] at ε = 0", () => {
  // By hand: M = 4, V = 12.5. Rank 0: m = 2, v = 2/3; rank 1: m = 10, v = 0. dy = [1, 0, 0 | 0].
  const scenario = scenarioFrom({
    mesh: { data: 2 },
    data: { source: "npy", files: ["a.npy", "b.npy"] },
    normalizers: [
      { name: "local", type: "batch-norm", group: "rank", epsilon: 0 },
      { name: "tripled", type: "batch-norm", group: "rank", epsilon: 0, weight: 3, bias: 2 },
      { name: "sync", type: "batch-norm", group: "world", epsilon: 0 },
    ],
  });
  const report = simulate(scenario, { batches: batches([[1, 2, 3], [10]], [[1, 0, 0], [0]]) });
  const V = 12.5;
  // One value has x̂ = 0, and in the whole batch 6/√V.
  const alone = 36 / V;
  const mse = (mean: number, variance: number): number =>
    ((mean - 4) ** 2 + (Math.sqrt(variance) - Math.sqrt(V)) ** 2) / V;

  test("has the mean gaps |m − M|/√V and the share of variance between ranks", async () => {
    const { meanGap, betweenRankShare, kl } = named(await report, "local").divergence;
    expectClose(
      [meanGap.mean!, meanGap.max!, meanGap.min!],
      [4 / Math.sqrt(V), 6 / Math.sqrt(V), 2 / Math.sqrt(V)],
      arithmeticTolerance,
      0,
    );
    expectClose([betweenRankShare.mean!], [(0.75 * 4 + 0.25 * 36) / V], arithmeticTolerance, 0);
    // A group without variance is infinitely far in KL: not a number that JSON has.
    expect(kl.mean).toBeNull();
  });

  test("has the output error W2²/V of each rank, pooled by values (statistics reference A2)", async () => {
    const { divergence, perRank } = named(await report, "local");
    expectClose([divergence.outputMse.mean!], [(3 * mse(2, 2 / 3) + alone) / 4], arithmeticTolerance, 0);
    expectClose(
      [perRank[0]!.outputMse!, perRank[1]!.outputMse!],
      [mse(2, 2 / 3), alone],
      arithmeticTolerance,
      0,
    );
    expectClose(
      [perRank[0]!.meanGap!, perRank[1]!.meanGap!],
      [2 / Math.sqrt(V), 6 / Math.sqrt(V)],
      arithmeticTolerance,
      0,
    );
  });

  test("scales output errors and their expectation with the square of the weight", async () => {
    const [one, three] = [named(await report, "local"), named(await report, "tripled")];
    expectClose(
      [three.divergence.outputMse.mean!],
      [9 * one.divergence.outputMse.mean!],
      arithmeticTolerance,
      0,
    );
    expectClose(
      [three.divergence.outputMse.expected!],
      [9 * one.divergence.outputMse.expected!],
      arithmeticTolerance,
      0,
    );
    expect(three.divergence.outputCosine.expected).toBeNull();
  });

  test("has the gradient cosine of the hand-worked dx, whatever the weight", async () => {
    // Table tests 6 and 9: dx of SyncBN and of local BN, the latter 0 on rank 1.
    const sync = [0.16122035, -0.1046518, -0.08768124, 0.0311127];
    const local = [0.20412415, -0.40824829, 0.20412415, 0];
    const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const cosine = dot(sync, local) / Math.sqrt(dot(sync, sync) * dot(local, local));
    for (const name of ["local", "tripled"]) {
      // The table has eight digits.
      expectClose([named(await report, name).divergence.gradientCosine.mean!], [cosine], 0, 1e-7);
    }
    expectClose([named(await report, "sync").divergence.gradientCosine.mean!], [1], 0, arithmeticTolerance);
  });

  test("counts the group of one value", async () => {
    expect(named(await report, "local").numerics).toMatchObject({
      nonFinite: 0,
      clampedVariances: 0,
      constantSets: 1,
      singleValueGroups: 1,
    });
    expect(named(await report, "sync").numerics.singleValueGroups).toBe(0);
  });
});

test("a merged variance that float32 makes negative is taken as 0 and counted", async () => {
  // By hand: ε = 3e-5, v = 0: 1/√ε = 182.57418583... rounds up to 182.57418823..., so 1/invStd² < ε on
  // each of 2 ranks and in each of 3 channels.
  const constant = { source: "npy", files: ["a.npy", "b.npy"] };
  const scenario = scenarioFrom({
    mesh: { data: 2 },
    data: constant,
    normalizers: [{ type: "batch-norm", group: "world", epsilon: 3e-5 }],
  });
  const x = [0, 1].map(() => Float32Array.from([5, 6, 7, 5, 6, 7]));
  const same: NpyBatches = {
    samples: [2, 2],
    channels: 3,
    positionExtents: [],
    storage: "float32",
    x,
    dy: x,
    mask: null,
  };
  const { normalizers } = await simulate(scenario, { batches: same });
  expect(normalizers[0]!.numerics).toMatchObject({ clampedVariances: 6, constantSets: 3, nonFinite: 0 });
});

describe("divergence under i.i.d. Gaussian data is what the closed forms expect, |z| < 5", () => {
  // Channels are independent: the mean over groups of each channel gives a sample of size `channels`.
  const channels = 600;
  const cases = [
    { name: "8 ranks of 8", samples: 8, ranks: 8, group: "rank" },
    { name: "groups of 2 of 8 ranks of 8", samples: 8, ranks: 8, group: 2 },
    { name: "uneven ranks", samples: [8, 12, 0, 20], ranks: 4, group: "rank" },
  ] as const;
  for (const { name, samples, ranks, group } of cases) {
    test(name, async () => {
      const scenario = scenarioFrom({
        seed: 5,
        mesh: { data: ranks },
        data: { source: "gaussian", samples, channels, mean: 3, std: 2 },
        storage: "float64",
        normalizers: [{ type: "batch-norm", group, epsilon: 0 }],
      });
      const { normalizers } = await runWorkload(
        await syntheticWorkload(scenario),
        inProcessHost(() => 0),
      );
      const { divergence, groupCounts } = normalizers[0]!;
      const expected = expectedDivergence(groupCounts);
      for (const metric of metrics) {
        const entries = divergence[metric];
        const perChannel = entries.length / channels;
        const means = Array.from({ length: channels }, (_, c) => {
          return (
            entries.slice(c * perChannel, (c + 1) * perChannel).reduce((sum, value) => sum + value, 0) /
            perChannel
          );
        });
        const mean = means.reduce((sum, value) => sum + value, 0) / channels;
        const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (channels - 1);
        const z = (mean - expected[metric]!) / Math.sqrt(variance / channels);
        expect(Math.abs(z), `${metric}: mean ${mean}, expected ${expected[metric]}`).toBeLessThan(5);
      }
    });
  }
});

describe("groups and nodes", () => {
  const cluster = {
    name: "pairs",
    gpu: "a100",
    gpusPerNode: 2,
    intra: "nvswitch",
    inter: { kind: "ib-hdr", nicsPerNode: 2, bandwidth: "25GB/s" },
  };
  const data = { source: "gaussian", samples: 4, channels: 6 };

  test("`node` pools the ranks of one node of the cluster", async () => {
    const normalizers = [
      { name: "node", type: "batch-norm", group: "node" },
      { name: "two", type: "batch-norm", group: 2 },
    ];
    const report = await simulate(scenarioFrom({ mesh: { data: 6 }, cluster, data, normalizers }));
    const [node, two] = report.normalizers;
    expect(node!.divergence).toEqual(two!.divergence);
    expect(node!.communication).toEqual(two!.communication);
    expect(node!.communication.total.messages).toBeGreaterThan(0);
  });

  test("groups work at the same time: the slowest sets the model time", async () => {
    // Oracle: scheduleSeconds, which has tests of its own. Ranks 0 to 2 lie on nodes 0, 0, 1 and
    // ranks 3 to 5 on 1, 2, 2; both cross nodes, but rank 6 and 7 lie on node 3 alone.
    const normalizers = [{ name: "three", type: "batch-norm", group: 3 }];
    const scenario = scenarioFrom({ mesh: { data: 8 }, cluster, data, normalizers });
    const report = await simulate(scenario);
    const links = linkConstants(scenario.cluster);
    const seconds = (first: number, ranks: number): number => {
      const nodeOfRank = (index: number): number => Math.floor((first + index) / 2);
      const request = { ranks, ranksPerNode: 2 };
      const gather = buildSchedule("all-gather", "ring", { ...request, payloadElements: 13 });
      return scheduleSeconds(gather, 4, nodeOfRank, links);
    };
    const want = Math.max(seconds(0, 3), seconds(3, 3), seconds(6, 2));
    expect(want).toBeGreaterThan(seconds(6, 2));
    expectClose([report.normalizers[0]!.communication.forward.modelSeconds], [want], arithmeticTolerance, 0);
  });

  test("a rank whose group sends nothing stays in step with the others", async () => {
    // Five ranks in groups of four: the fifth is alone in one normaliser and in the world in the next.
    const normalizers = [
      { name: "four", type: "batch-norm", group: 4 },
      { name: "world", type: "batch-norm", group: "world" },
      { name: "again", type: "batch-norm", group: 4 },
      { name: "sum", type: "batch-norm", group: "world", implementation: "all-reduce-moments" },
    ];
    const report = await simulate(scenarioFrom({ mesh: { data: 5 }, data, normalizers, trainingSteps: 3 }));
    for (const name of ["world", "sum"])
      expect(named(report, name).divergence.outputMse.max).toBeLessThan(1e-12);
    expect(named(report, "four").divergence).toEqual(named(report, "again").divergence);
  });
});

test("traffic adds up over training steps, and without backward there is none backward", async () => {
  const fields = {
    mesh: { data: 4 },
    data: { source: "gaussian", samples: 3, channels: 5 },
    normalizers: [{ type: "batch-norm", group: "world" }],
  };
  const [one, three, forward] = await Promise.all([
    simulate(scenarioFrom(fields)),
    simulate(scenarioFrom({ ...fields, trainingSteps: 3 })),
    simulate(scenarioFrom({ ...fields, backward: false })),
  ]);
  const total = (report: Report) => report.normalizers[0]!.communication.total;
  for (const key of [
    "collectives",
    "messages",
    "payloadBytesPerRank",
    "sentBytesPerRank",
    "wireBytes",
  ] as const) {
    expect(total(three)[key]).toBe(3 * total(one)[key]);
  }
  expect(forward.normalizers[0]!.communication.backward.messages).toBe(0);
  expect(forward.normalizers[0]!.divergence.gradientCosine).toEqual({
    mean: null,
    p95: null,
    max: null,
    min: null,
    expected: null,
  });
});
