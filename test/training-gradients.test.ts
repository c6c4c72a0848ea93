import { describe, expect, test } from "vitest";
import { createRandomStream } from "../src/scenario/random.ts";
import { arraysIn } from "../src/training/arrays.ts";
import type { Layer } from "../src/training/layer.ts";
import { createActivation } from "../src/training/layer-context.ts";
import { crossEntropy } from "../src/training/layers/cross-entropy.ts";
import { Normalization } from "../src/training/layers/normalization.ts";
import { residual } from "../src/training/layers/residual.ts";
import { expectClose } from "./support/close.ts";
import { activationOf, forward, plainContext } from "./support/layer-trial.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type LabelledBatch, soloTrainer } from "./support/solo-trainer.ts";

// Oracle: central differences of the loss in float64, by every parameter of a whole network.

const samples = 6;
const training = {
  network: { kind: "mlp", hidden: [8, 4] },
  steps: 10,
  optimizer: { type: "sgd", learningRate: 0.1 },
};

function someBatch(): LabelledBatch {
  const stream = createRandomStream({ seed: 5, rank: 0, trainingStep: 0, purpose: "test" });
  return {
    x: Array.from({ length: samples * 64 }, () => stream.normal()),
    targets: Array.from({ length: samples }, () => stream.integer(0, 9)),
  };
}

/** Step of the differences: truncation is h² = 1e-12 times third derivatives (up to 1e3 in small batches). */
const h = 1e-6;
/** Rounding of the loss, a few units of 2⁻⁵²·2.3, over 2h is 1e-9. */
const tolerance = 1e-8;

const normalizers = [
  { type: "batch-norm", weight: 1.3, bias: 0.2 },
  { type: "batch-norm", virtualBatch: 3 },
  { type: "layer-norm", weight: 0.7 },
  { type: "rms-norm" },
  { type: "group-norm", groups: 2, bias: 0.1 },
];

describe("the gradients of a network are the slopes of its loss", () => {
  for (const normalizer of normalizers) {
    test(JSON.stringify(normalizer), async () => {
      const trainer = await soloTrainer(
        { data: { source: "images", samples }, normalizers: [normalizer], training },
        "float64",
      );
      const batch = someBatch();
      const { parameters } = trainer.network;
      const before = parameters.map(({ values }) => values.slice());
      trainer.step(batch);
      const gradients = parameters.map((parameter) => parameter.gradients.slice());
      for (const [index, { values }] of parameters.entries()) values.set(before[index]!);
      for (const [index, { name, values }] of parameters.entries()) {
        const slopes = Array.from(values, (value, i) => {
          values[i] = value + h;
          const above = trainer.loss();
          values[i] = value - h;
          const below = trainer.loss();
          values[i] = value;
          return (above - below) / (2 * h);
        });
        expectClose(gradients[index]!, slopes, 0, tolerance, name);
      }
    });
  }
});

test("a residual layer adds its branch to its input, and both gradients", () => {
  // Oracle: by hand, y = x + 3x and dx = dy + 3dy.
  const arrays = arraysIn(null, 0, "float64");
  const input = createActivation(arrays, 1, 3);
  const output = createActivation(arrays, 1, 3);
  const triple: Layer = {
    parameters: [],
    output,
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *forward() {
      for (let i = 0; i < 3; i++) output.values[i] = 3 * input.values[i]!;
    },
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *backward() {
      for (let i = 0; i < 3; i++) input.gradients![i] = 3 * output.gradients![i]!;
    },
  };
  const layer = residual(arrays, input, [triple]);
  input.values.set([1, -2, 5]);
  for (const _ of layer.forward("training"));
  expect([...layer.output.values]).toEqual([4, -8, 20]);
  layer.output.gradients!.set([1, 10, -1]);
  for (const _ of layer.backward());
  expect([...input.gradients!]).toEqual([4, 40, -4]);
});

test("NaN among a token's logits is a loss of NaN and an error, and leaves other tokens alone", () => {
  // By hand: equal logits of two classes are log 2. NaN in front is the first of the largest, and no right answer.
  const logits = createActivation(arraysIn(null, 0, "float64"), 2, 2);
  logits.values.set([Number.NaN, 0, 1, 1]);
  const { loss, errors, tokens } = crossEntropy(logits, Int32Array.of(0, 0), null).evaluate();
  expect([loss, errors, tokens]).toEqual([Number.NaN, 1, 2]);
  expect(Array.from(logits.gradients!)).toEqual([Number.NaN, Number.NaN, -0.5, 0.5]);
});

describe("an evaluation normalises with what a layer remembers, and leaves it alone", () => {
  // Oracle: the definition, y = (x − mean)/√(variance + ε), and no mean beside mean squares.
  const remembering = [
    { type: "batch-norm", group: "rank" },
    { type: "power-norm", warmUp: 1 },
    { type: "mabn", window: 2 },
  ];
  for (const fields of remembering) {
    test(fields.type, () => {
      const [normalizer] = scenarioFrom({
        data: { source: "gaussian", samples: 4, channels: 3 },
        normalizers: [fields],
      }).normalizers;
      const layer = new Normalization(
        plainContext({ normalizer: normalizer! }),
        "norm",
        activationOf(4, 3, 1),
        null,
      );
      const remembered = (): number[] =>
        [layer.running.runningMean, layer.running.runningVariance, layer.recurrence?.running ?? []].flatMap(
          (values) => Array.from(values),
        );
      const fresh = remembered();
      forward(layer);
      const trained = remembered();
      expect(trained).not.toEqual(fresh);
      for (const mode of ["batch-statistics", "running-statistics"] as const) {
        forward(layer, mode);
        expect(remembered()).toEqual(trained);
      }
      const { running, recurrence, input, output } = layer;
      const want = Array.from(input.values, (x, i) => {
        const squares = recurrence?.running ?? running.runningVariance;
        const mean = recurrence === null ? running.runningMean[i % 3]! : 0;
        return (x - mean) / Math.sqrt(squares[i % 3]! + 1e-5);
      });
      expectClose(output.values, want, 1e-14, 1e-14); // three roundings of 2^-53
    });
  }
});
