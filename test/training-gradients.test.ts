import { describe, expect, test } from "vitest";
import { createRandomStream } from "../src/scenario/random.ts";
import { arraysIn } from "../src/training/arrays.ts";
import type { Layer } from "../src/training/layer.ts";
import { createActivation } from "../src/training/layer-context.ts";
import { residual } from "../src/training/layers/residual.ts";
import { expectClose } from "./support/close.ts";
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
