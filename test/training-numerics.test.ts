import { describe, expect, test } from "vitest";
import type { Numerics } from "../src/engine/simulation.ts";
import { warningsOf } from "../src/report/warnings.ts";
import { simulate } from "../src/simulate.ts";
import type { Activation } from "../src/training/layer.ts";
import { Normalization } from "../src/training/layers/normalization.ts";
import { forward, plainContext } from "./support/layer-trial.ts";
import { scenarioFrom } from "./support/scenario.ts";

const hidden = [6, 5];
const steps = 4;
const ranks = 3;

async function train(normalizers: readonly object[], fields: object = {}, learningRate = 0.1) {
  const report = await simulate(
    scenarioFrom({
      mesh: { data: ranks },
      data: { source: "images", samples: 1 },
      normalizers,
      training: {
        network: { kind: "mlp", hidden },
        steps,
        optimizer: { type: "sgd", learningRate },
        testSamples: 6,
        evaluateEvery: 2,
      },
      ...fields,
    }),
  );
  const numerics = (index: number): Numerics => report.normalizers[index]!.numerics;
  return { report, numerics };
}

describe("numeric events of a training run", () => {
  test("statistics of one value are counted per rank and group, layer and step, none of an evaluation", async () => {
    const { report, numerics } = await train([
      { name: "local", type: "batch-norm", group: "rank" },
      { name: "pair", type: "batch-norm", group: 2 },
      { name: "sync", type: "batch-norm", group: "world" },
    ]);
    // Oracle: by hand. A channel of one sample and one position has one value, on each of 3 ranks; in groups of two ranks the third is alone.
    const [layers, channels] = [hidden.length, hidden[0]! + hidden[1]!];
    expect(numerics(0)).toMatchObject({
      singleValueGroups: ranks * layers * steps,
      constantSets: ranks * channels * steps,
    });
    expect(numerics(1)).toMatchObject({ singleValueGroups: layers * steps, constantSets: channels * steps });
    expect(numerics(2)).toMatchObject({ singleValueGroups: 0, constantSets: 0, nonFinite: 0, overflows: 0 });
    expect(warningsOf(report)[0]).toMatch(/^local: 24 groups had one value a channel/);
  });

  test("after an update to infinity all of y and dx is counted, in every later step", async () => {
    const sync = { name: "sync", type: "batch-norm", group: "world", weight: 1e12 };
    const { report, numerics } = await train([sync], {}, 1e30);
    // Oracle: by hand. The first step is finite; γ makes gradients of 1e10 and more, whose update by 1e30 is infinite in
    // float32; a weight of ±∞ under every channel makes NaN of its set.
    const share = (steps - 1) / steps;
    expect(numerics(0)).toMatchObject({
      nonFinite: 2 * share * steps * ranks * (hidden[0]! + hidden[1]!),
      nonFiniteOutputShare: share,
      nonFiniteGradientShare: share,
    });
    expect(warningsOf(report)[0]).toMatch(/^sync: 198 outputs NaN or infinite \(75 % of y, 75 % of dx\)/);
  });

  test("payloads that a half format cannot hold are counted", async () => {
    const overflowsOf = async (payload: string, learningRate: number): Promise<number> =>
      (
        await train([{ name: "sync", type: "batch-norm", group: "world" }], { payload }, learningRate)
      ).numerics(0).overflows;
    // Oracle: float16 ends at 65504; weights after a step of 1e7 times their gradients give means beyond it.
    expect(await overflowsOf("float16", 1e7)).toBeGreaterThan(0);
    expect(await overflowsOf("float32", 1e7)).toBe(0);
    expect(await overflowsOf("float16", 0.1)).toBe(0);
  });

  test("the worst conditioned statistic is that of a point of the curves", async () => {
    const { numerics } = await train([
      { name: "sync", type: "batch-norm", group: "world" },
      { name: "LN", type: "layer-norm" },
      { name: "RMS", type: "rms-norm" },
    ]);
    for (const index of [0, 1]) expect(numerics(index).worstConditioned!.std).toBeGreaterThan(0);
    expect(numerics(2).worstConditioned).toBeNull();
  });
});

test("a layer counts the variances that its training steps clamp, and not those of evaluations", () => {
  // Oracle: by hand, float16, whose step is u = 2⁻¹⁰ in [1, 2) and 4u in [4, 8). v = 1 + 162u: v² = 1 + 349.6u → 1 + 350u; three add to
  // 4 + 26u → 4 + 24u, a third of which is 1 + 349.3u → 1 + 349u. The mean is v, its square 1 + 350u: the variance is −u.
  const u = 2 ** -10;
  const values = Float64Array.of(1 + 162 * u, 1 + 162 * u, 1 + 162 * u, 1, 2, 3);
  const input: Activation = { tokens: 2, features: 3, values, gradients: new Float64Array(6) };
  const { normalizer } = plainContext();
  const layer = new Normalization(
    plainContext({
      normalizer: { ...normalizer, moments: "one-pass", accumulate: "float16" } as typeof normalizer,
    }),
    "norm",
    input,
    null,
  );
  forward(layer);
  forward(layer);
  forward(layer, "batch-statistics");
  expect(layer.events).toMatchObject({ elements: 12, ownClamps: 2, mergedClamps: 0, constantSets: 2 });
});
