import { describe, expect, test } from "vitest";
import { inProcessHost } from "../src/engine/in-process-host.ts";
import { piscinaHost } from "../src/node/piscina-host.ts";
import type { NormalizerReport, Report } from "../src/report/report.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

const hidden = [16, 8];
const training = {
  network: { kind: "mlp", hidden },
  steps: 5,
  optimizer: { type: "sgd", learningRate: 0.1 },
  evaluateEvery: 1,
  testSamples: 40,
};
const sync = { name: "SyncBN", type: "batch-norm", group: "world" };
const layerNorm = { name: "LN", type: "layer-norm" };

async function train(samples: readonly number[], fields: Record<string, unknown> = {}): Promise<Report> {
  const data = { source: "images", samples };
  const base = { mesh: { data: samples.length }, data, normalizers: [sync, layerNorm], training };
  return await simulate(scenarioFrom({ ...base, ...fields }));
}

/** Everything a curve says of one normaliser, in one list; `parts` of what does not depend on the mesh. */
function figuresOf({ training: learnt }: NormalizerReport): number[] {
  const { curve, gradientNorms } = learnt!;
  return [
    ...curve.flatMap(({ trainLoss, trainError, testError }) => [trainLoss!, trainError!, testError!]),
    ...gradientNorms.flatMap(({ norm }) => norm.map((value) => value!)),
  ];
}

describe("many ranks learn what one rank with the whole batch learns", () => {
  // Oracle: invariant. Synchronised statistics and gradients weighted by count make the world one device.
  /** 5 steps in float64; rounding of 1e-16 grows by the inverse standard deviations of 16 samples. */
  const tolerance = 1e-9;
  for (const samples of [
    [4, 4, 4, 4],
    [7, 0, 5, 4],
  ]) {
    for (const implementation of ["pytorch", "all-reduce-moments"]) {
      test(`${samples.join(", ")} samples, ${implementation}`, async () => {
        const fields = { storage: "float64", normalizers: [{ ...sync, implementation }, layerNorm] };
        const [many, one] = [await train(samples, fields), await train([16], fields)];
        for (const [index, normalizer] of many.normalizers.entries())
          expectClose(figuresOf(normalizer), figuresOf(one.normalizers[index]!), tolerance, tolerance);
      });
    }
  }

  test("but what they remember, which momentum alone changes, decides the test error", async () => {
    // Oracle: invariant. Training and an evaluation by batch statistics see no running statistics.
    const momenta = [0.1, 1].map((momentum) => ({ ...sync, name: `${momentum}`, momentum }));
    const { normalizers } = await train([8, 8], { normalizers: momenta });
    const curves = normalizers.map((normalizer) => normalizer.training!.curve);
    const [slow, fast] = curves.map((curve) => curve.map(({ testError }) => testError));
    expect(slow).not.toEqual(fast);
    const rest = curves.map((curve) => curve.map((point) => ({ ...point, testError: 0 })));
    expect(rest[0]).toEqual(rest[1]);
  });

  test("with local statistics they do not", async () => {
    const local = { storage: "float64", normalizers: [{ ...sync, group: "rank" }] };
    const [many, one] = [await train([4, 4, 4, 4], local), await train([16], local)];
    expect(many.normalizers[0]!.training!.final.trainLoss).not.toBeCloseTo(
      one.normalizers[0]!.training!.final.trainLoss!,
      2,
    );
  });
});

test("hosts give the same report, but for wallSeconds", async () => {
  const scenario = scenarioFrom({
    mesh: { data: 3 },
    data: { source: "images", samples: [3, 0, 5] },
    normalizers: [sync, { type: "batch-norm", group: 2 }, layerNorm],
    training: { ...training, steps: 2, evaluateEvery: 2, testSamples: 10 },
  });
  const reports: string[] = [];
  for (const host of [inProcessHost(() => 0), piscinaHost({ threads: 2 })]) {
    const report = await simulate(scenario, { host });
    reports.push(JSON.stringify(report, (key, value) => (key === "wallSeconds" ? 0 : value)));
  }
  expect(reports[1]).toBe(reports[0]);
});

test("what training sends is what its collectives take", async () => {
  // Oracle: closed forms. Ring on R ranks: an all-gather of n values sends (R − 1)·n from each rank, an all-reduce
  // 2(R − 1)/R·n on average.
  const ranks = 4;
  const { normalizers } = await train([4, 4, 4, 4]);
  const [batchNorm, tokenNorm] = normalizers as [NormalizerReport, NormalizerReport];
  const parameters = 64 * 16 + 2 * 16 + 16 * 8 + 2 * 8 + 8 * 10 + 10;
  const gather = (values: number): number => (ranks - 1) * values;
  const reduce = (values: number): number => ((2 * (ranks - 1)) / ranks) * values;
  const { steps } = training;
  const float = 4;
  const forward = hidden.reduce((sum, features) => sum + gather(2 * features + 1), 0);
  const backward = hidden.reduce((sum, features) => sum + reduce(2 * features), 0);
  expect(batchNorm.communication.forward.sentBytesPerRank).toBe(steps * float * forward);
  expect(batchNorm.communication.backward.sentBytesPerRank).toBe(steps * float * backward);
  expect(batchNorm.communication.total.collectives).toBe(steps * 2 * hidden.length);
  expect(tokenNorm.communication.total.messages).toBe(0);
  for (const { training: learnt } of normalizers) {
    expect(learnt!.gradients.sentBytesPerRank).toBe(steps * float * reduce(parameters + 1));
    expect(learnt!.gradients.collectives).toBe(steps);
  }
});

test("statistics drift apart where ranks do not pool them, and only there", async () => {
  // Oracle: invariant; float32 rounding of a payload, relative 2⁻²⁴ on each of 4 ranks, for the pooled ones.
  const local = { type: "batch-norm", group: "rank" };
  const { normalizers } = await train([4, 4, 4, 4], { normalizers: [sync, layerNorm, local] });
  const gaps = normalizers.map(({ training: learnt }) =>
    learnt!.layers.map(({ meanGap }) => Math.max(...meanGap.map((gap) => gap!))),
  );
  expect(Math.max(...gaps[0]!, ...gaps[1]!)).toBeLessThan(1e-6);
  expect(Math.min(...gaps[2]!)).toBeGreaterThan(0.02);
  expect(normalizers[2]!.divergence.meanGap.mean).toBeGreaterThan(0.1);
  expect(normalizers[2]!.perRank.map(({ values }) => values)).toEqual([4, 4, 4, 4]);
});

test("every rank is told of its own tokens' statistics", async () => {
  // Oracle: invariant; moments in bfloat16 are off by what the rank's own values make of them.
  const rounded = { ...layerNorm, accumulate: "bfloat16" };
  const { perRank } = (await train([4, 4, 4, 4], { normalizers: [rounded] })).normalizers[0]!;
  expect(new Set(perRank.map(({ meanGap }) => meanGap)).size).toBe(4);
});

test("the loss starts at chance and falls", async () => {
  // Oracle: ln 10 for a classifier that knows nothing of ten classes; logits of a fresh network are small.
  const long = { ...training, steps: 40, evaluateEvery: 10 };
  const { normalizers } = await train([16, 16], { training: { ...long, testSamples: 200 } });
  for (const { training: learnt } of normalizers) {
    const losses = learnt!.curve.map(({ trainLoss }) => trainLoss!);
    expect(Math.abs(losses[0]! - Math.log(10))).toBeLessThan(0.3);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.1);
  }
});
