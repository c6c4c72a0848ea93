import { describe, expect, test } from "vitest";
import { ScenarioError } from "../src/errors.ts";
import type { ImagesSource } from "../src/scenario/data-source.ts";
import { cosine } from "../src/scenario/elementary-functions.ts";
import { drawImage, drawImageIndices, labelOfImage, trainingLabelOf } from "../src/scenario/images.ts";
import { simulate } from "../src/simulate.ts";
import { arraysIn } from "../src/training/arrays.ts";
import { imageTask } from "../src/training/image-task.ts";
import { normsim } from "./support/command.ts";
import { scenarioFrom } from "./support/scenario.ts";

const training = {
  network: { kind: "mlp", hidden: [6] },
  steps: 3,
  optimizer: { type: "sgd", learningRate: 0.1 },
  testSamples: 8,
  evaluateEvery: 3,
};
const base = {
  mesh: { data: 2 },
  data: { source: "images", samples: 3 },
  normalizers: [{ name: "SyncBN", type: "batch-norm", group: "world" }],
  training,
};

describe("what does not go with training is a fault of the scenario", () => {
  const rows: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    [
      "other data",
      { data: { source: "gaussian", samples: 2, channels: 4 } },
      /data\.source: expected images/,
    ],
    [
      "tensor parallelism",
      { mesh: { data: 1, tensor: 2 } },
      /mesh\.tensor: expected 1: training is data-par/,
    ],
    ["no backward pass", { backward: false }, /backward: expected true/],
    ["microbatches", { accumulation: 2 }, /accumulation: expected /],
    ["an evaluation of running statistics", { evaluation: {} }, /evaluation: expected /],
    [
      "shared running statistics",
      { normalizers: [{ type: "batch-norm", buffers: "broadcast" }] },
      /normalizers\[0\]\.buffers: expected .*, got broadcast/,
    ],
    ["steps said twice", { trainingSteps: 3 }, /trainingSteps: expected none: training\.steps/],
    [
      "a list of weights",
      { normalizers: [{ type: "layer-norm", weight: [1, 2] }] },
      /weight: expected one number/,
    ],
    [
      "groups",
      { normalizers: [{ type: "group-norm", groups: 4 }] },
      /groups: expected a divisor of the 6 feat/,
    ],
    ["instance norm", { normalizers: [{ type: "instance-norm" }] }, /type: expected a type that reduces/],
    [
      "a fault after the last step",
      { faults: [{ rank: 0, trainingStep: 3, kind: "throw" }] },
      /trainingStep: expected less than the 3 training\.steps, got 3/,
    ],
  ];
  for (const [what, fields, message] of rows) {
    test(what, () => {
      expect(() => scenarioFrom({ ...base, ...fields })).toThrow(ScenarioError);
      expect(() => scenarioFrom({ ...base, ...fields })).toThrow(message);
    });
  }
});

describe("every parameter of training changes what is learnt", () => {
  // Oracle: invariant. A parameter that changes nothing in a report is a parameter that does nothing.
  const reportOf = async (fields: Record<string, unknown>): Promise<string> => {
    const { normalizers } = await simulate(scenarioFrom({ ...base, ...fields }));
    return JSON.stringify(normalizers);
  };
  const sgd = { type: "sgd", learningRate: 0.1 };
  const adam = { type: "adam", learningRate: 0.1 };
  const skewed = { ...base.data, labels: { concentration: 1 } };
  const optimizer = (written: object) => ({ training: { ...training, optimizer: written } });
  const turns: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>])[] = [
    ["hidden", {}, { training: { ...training, network: { kind: "mlp", hidden: [6, 6] } } }],
    ["steps", {}, { training: { ...training, steps: 4 } }],
    ["testSamples", {}, { training: { ...training, testSamples: 30 } }],
    ["evaluateEvery", {}, { training: { ...training, evaluateEvery: 1 } }],
    ["learningRate", {}, optimizer({ ...sgd, learningRate: 0.2 })],
    ["momentum", {}, optimizer({ ...sgd, momentum: 0 })],
    ["schedule", {}, optimizer({ ...sgd, schedule: "cosine" })],
    ["type", {}, optimizer(adam)],
    ["beta1", optimizer(adam), optimizer({ ...adam, beta1: 0 })],
    ["beta2", optimizer(adam), optimizer({ ...adam, beta2: 0.1 })],
    ["epsilon", optimizer(adam), optimizer({ ...adam, epsilon: 1 })],
    ["trainingSamples", {}, { data: { ...base.data, trainingSamples: 100 } }],
    ["labelNoise", {}, { data: { ...base.data, labelNoise: 0.5 } }],
    ["labels", {}, { data: { ...base.data, labels: "one-class" } }],
    ["concentration", { data: skewed }, { data: { ...skewed, labels: { concentration: 0.01 } } }],
    ["weight", {}, { normalizers: [{ ...base.normalizers[0], weight: 2 }] }],
    ["seed", {}, { seed: 9 }],
    ["payload", {}, { payload: "bfloat16" }],
  ];
  for (const [what, from, to] of turns) {
    test(what, async () => {
      expect(await reportOf({ ...from, ...to })).not.toBe(await reportOf(from));
    });
  }
});

describe("a rank that fails in training is named, with its place", () => {
  const rows = [
    ["throw", "backward", "60s", /^rank 1: injected fault \(at training step 1, SyncBN backward/m],
    ["stall", "forward", "2s", /^rank 1: made no progress for 2 s \(at training step 1, SyncBN forward/m],
    ["exit", "data", "60s", /^rank 1: its thread ended: .* \(at training step 1, making its microbatch/m],
  ] as const;
  for (const [kind, phase, deadline, message] of rows) {
    test(`${kind} in ${phase}`, async () => {
      const faults = [{ rank: 1, trainingStep: 1, phase, kind }];
      const input = JSON.stringify({ name: "a rank fails", ...base, faults, deadline });
      const { code, stderr } = await normsim(["run", "-", "--threads", "2"], { input });
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
    });
  }

  test("--dump is refused: it writes single passes", async () => {
    const input = JSON.stringify({ name: "no passes", ...base });
    const { code, stderr } = await normsim(["run", "-", "--dump", "out"], { input });
    expect(code).toBe(2);
    expect(stderr).toMatch(/training: expected no training beside --dump/);
  });
});

describe("images", () => {
  const source: ImagesSource = {
    ...{ source: "images", samples: [3, 0, 5], channels: 64, positions: [] },
    ...{ trainingSamples: 100, labels: "shuffled", labelNoise: 0 },
  };

  test("are shared out of one draw of the whole batch where labels are shuffled", () => {
    // Oracle: invariant, however many ranks hold the batch.
    const parts = source.samples.flatMap((_, rank) => drawImageIndices(source, 1, rank, 4));
    expect(parts).toEqual(drawImageIndices({ ...source, samples: [8] }, 1, 0, 4));
  });

  test("are all of class rank mod 10 with one class per rank", () => {
    const many = { ...source, samples: new Array<number>(12).fill(9), labels: "one-class" } as const;
    for (const rank of [0, 3, 11]) {
      const indices = drawImageIndices(many, 1, rank, 0);
      expect(indices.map(labelOfImage)).toEqual(new Array(9).fill(rank % 10));
      expect(Math.max(...indices)).toBeLessThan(100);
    }
  });

  test("have the moments of ink, gain, offset and noise", () => {
    // Oracle: closed form. Mean over pixels: ink of the glyph/64 times E gain = e^(0.3²/2); an image of class 8 has 17
    // dark dots. Noise and offset have mean 0; the standard error of 2000 means is √(0.3² + ...)/√2000 < 0.01.
    const means = Array.from({ length: 2000 }, (_, i) => {
      const image = drawImage(1, "training", 8 + 10 * i);
      return image.reduce((sum, value) => sum + value, 0) / image.length;
    });
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    expect(Math.abs(mean - (17 / 64) * Math.exp(0.045))).toBeLessThan(0.03);
  });

  test("are learnt by a label of another class at 9/10 of the label noise, the same for every rank", () => {
    // Oracle: binomial. A label drawn from ten classes is another with probability 0.9; five standard errors.
    const [images, noise] = [4000, 0.3];
    const labels = Array.from({ length: images }, (_, i) =>
      trainingLabelOf({ ...source, labelNoise: noise }, 1, i),
    );
    const others = labels.filter((label, i) => label !== labelOfImage(i)).length / images;
    const share = 0.9 * noise;
    expect(Math.abs(others - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / images));
    expect(new Set(labels)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    for (const rank of [0, 2]) {
      const arrays = arraysIn(null, 0, "float32");
      const task = imageTask(arrays, { ...source, labelNoise: noise }, 1, rank, new Map());
      task.drawMicrobatch(0);
      const drawn = drawImageIndices(source, 1, rank, 0);
      expect(Array.from(task.targets)).toEqual(drawn.map((index) => labels[index]));
    }
  });

  test("are tested by their own labels, whatever the label noise", () => {
    const noisy = { ...source, samples: [4, 3], labelNoise: 1 };
    const task = imageTask(arraysIn(null, 0, "float32"), noisy, 1, 1, new Map());
    task.loadTestBatch(2);
    expect(Array.from(task.targets)).toEqual([18, 19, 20].map(labelOfImage));
  });

  test("of training and test are different, and every image is always the same", () => {
    expect(drawImage(1, "test", 5)).not.toEqual(drawImage(1, "training", 5));
    expect(drawImage(1, "test", 5)).toEqual(drawImage(1, "test", 5));
    expect(drawImage(2, "test", 5)).not.toEqual(drawImage(1, "test", 5));
  });
});

test("the cosine of a schedule is that of the library", () => {
  // Oracle: Math.cos, correct to a unit in the last place; ours rounds about ten times.
  for (let i = 0; i <= 100; i++)
    expect(Math.abs(cosine((Math.PI * i) / 100) - Math.cos((Math.PI * i) / 100))).toBeLessThan(1e-15);
});
