import { describe, expect, test, vi } from "vitest";
import type { CurvePoint } from "../src/report/training-report.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: published trends, as orderings. Wu, He (2018), Group Normalization, fig. 1 and 6: a small normalisation
// batch hurts BatchNorm and not GN or LN. Hsieh et al. (2020), The Non-IID Data Quagmire: local BN fails under label
// skew. The margins are at most half of what the seeds gave.

// Seconds of arithmetic each; on a busy machine minutes.
vi.setConfig({ testTimeout: 300_000 });

async function finalPoints(fields: Record<string, unknown>, seed: number): Promise<Map<string, CurvePoint>> {
  const report = await simulate(scenarioFrom({ seed, ...fields }));
  return new Map(report.normalizers.map(({ name, training }) => [name, training!.final]));
}

const training = (steps: number) => ({
  network: { kind: "mlp", hidden: [64, 64, 64] },
  steps,
  optimizer: { type: "sgd", learningRate: 0.1, schedule: "cosine" },
  evaluateEvery: Math.ceil(steps / 4),
});

describe("how many samples a statistic sees", () => {
  for (const seed of [1, 2]) {
    test(`decides how well the training set is fitted, and how far the test set lags, seed ${seed}`, async () => {
      const points = await finalPoints(
        {
          mesh: { data: 4 },
          data: { source: "images", samples: 16, trainingSamples: 1000 },
          normalizers: [
            { name: "4", type: "batch-norm", virtualBatch: 4 },
            { name: "16", type: "batch-norm" },
            { name: "64", type: "batch-norm", group: "world" },
          ],
          training: training(150),
        },
        seed,
      );
      const [few, some, all] = ["4", "16", "64"].map((name) => points.get(name)!);
      expect(few!.trainError! - some!.trainError!).toBeGreaterThan(0.15);
      expect(some!.trainError! - all!.trainError!).toBeGreaterThan(0.04);
      // Small batches regularise: the distance of test from training error grows with the samples.
      const lag = ({ testError, trainError }: CurvePoint): number => testError! - trainError!;
      expect(lag(some!) - lag(few!)).toBeGreaterThan(0.08);
      expect(lag(all!) - lag(some!)).toBeGreaterThan(0.03);
      // A few samples cost test error, too; more than some no longer help by as much.
      expect(few!.testError! - some!.testError!).toBeGreaterThan(0.08);
      expect(Math.abs(some!.testError! - all!.testError!)).toBeLessThan(
        (few!.testError! - some!.testError!) / 2,
      );
    });
  }

  for (const seed of [1, 2]) {
    test(`can be too many: with random labels the test error is U-shaped, seed ${seed}`, async () => {
      // Wu, Johnson (2021), Rethinking "Batch" in BatchNorm: medium normalisation batches validate best. Summers,
      // Dinneen (2020): ghost batches regularise; here they keep the network from learning wrong labels by heart.
      const points = await finalPoints(
        {
          mesh: { data: 4 },
          data: { source: "images", samples: 16, trainingSamples: 2000, labelNoise: 0.4 },
          normalizers: [
            { name: "4", type: "batch-norm", virtualBatch: 4 },
            { name: "8", type: "batch-norm", virtualBatch: 8 },
            { name: "64", type: "batch-norm", group: "world" },
          ],
          training: training(700),
        },
        seed,
      );
      const [few, some, all] = ["4", "8", "64"].map((name) => points.get(name)!);
      expect(few!.testError! - some!.testError!).toBeGreaterThan(0.035);
      expect(all!.testError! - some!.testError!).toBeGreaterThan(0.035);
      expect(few!.trainError! - some!.trainError!).toBeGreaterThan(0.08);
      expect(some!.trainError! - all!.trainError!).toBeGreaterThan(0.15);
    });
  }

  test("is nothing to LN and GN, whose errors are the same however ranks share the batch", async () => {
    // Oracle: invariant; the batch is one draw shared out, and gradients are reduced in another order (float64).
    const normalizers = [
      { name: "LN", type: "layer-norm" },
      { name: "GN", type: "group-norm", groups: 8 },
    ];
    const learn = (ranks: number) =>
      finalPoints(
        {
          mesh: { data: ranks },
          data: { source: "images", samples: 64 / ranks },
          storage: "float64",
          normalizers,
          training: { ...training(6), testSamples: 100 },
        },
        1,
      );
    const [two, eight] = [await learn(2), await learn(8)];
    for (const name of ["LN", "GN"]) {
      expect(eight.get(name)!.testError).toBe(two.get(name)!.testError);
      expect(Math.abs(eight.get(name)!.trainLoss! - two.get(name)!.trainLoss!)).toBeLessThan(1e-9);
    }
  });
});

describe("ranks whose labels differ", () => {
  const scenario = (labels: unknown) => ({
    mesh: { data: 10 },
    data: { source: "images", samples: 16, labels },
    normalizers: [
      { name: "local BN", type: "batch-norm" },
      { name: "SyncBN", type: "batch-norm", group: "world" },
      { name: "LN", type: "layer-norm" },
    ],
    algorithms: { allReduce: "rabenseifner" },
    training: training(80),
  });

  for (const seed of [1, 2]) {
    test(`a skewed share of classes hurts local BN, and SyncBN is about LN, seed ${seed}`, async () => {
      const points = await finalPoints(scenario({ concentration: 0.3 }), seed);
      const [local, sync, layer] = ["local BN", "SyncBN", "LN"].map((name) => points.get(name)!.testError!);
      expect(local! - sync!).toBeGreaterThan(0.08);
      expect(local! - layer!).toBeGreaterThan(0.08);
      expect(Math.abs(sync! - layer!)).toBeLessThan(0.08);
    });
  }

  test("with one class per rank local BN subtracts the label and stays at chance", async () => {
    const points = await finalPoints(scenario("one-class"), 1);
    expect(points.get("local BN")!.testError).toBeGreaterThan(0.8);
    expect(points.get("SyncBN")!.testError).toBeLessThan(0.4);
    expect(points.get("LN")!.testError).toBeLessThan(0.4);
  });
});
