import { describe, expect, test } from "vitest";
import type { CurvePoint } from "../src/report/training-report.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: published trends, as orderings. Wu, He (2018), Group Normalization, fig. 1 and 6: a small normalisation
// batch hurts BatchNorm and not GN or LN. Hsieh et al. (2020), The Non-IID Data Quagmire: local BN fails under label
// skew. The margins are at most half of what two seeds gave.

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
    training: training(120),
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
