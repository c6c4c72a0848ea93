import type { DraftTraining } from "./resolution.ts";
import { real, section, z } from "./schema-language.ts";
import type { NetworkSpec } from "./training.ts";

const width = z.int().min(1).max(4096);
const schedule = z
  .enum(["constant", "cosine"])
  .default("constant")
  .describe("Of the learning rate; cosine falls to 0 after the last step.");

const mlp = section({
  kind: z.literal("mlp").describe("Linear layers, each followed by the normaliser and a ReLU."),
  hidden: z.array(width).min(1).max(64).describe("Features of each hidden layer."),
});

const transformer = section({
  kind: z
    .literal("transformer")
    .describe("Attention and feed-forward blocks; each token is a sample to the normaliser."),
  blocks: z.int().min(1).max(64).describe("Blocks; each has two sublayers, and each of these a normaliser."),
  width: width.describe("Features of a token."),
  heads: width.default(1).describe("Attention heads; divides width."),
  feedForward: width.describe("Features inside a feed-forward sublayer."),
  placement: z
    .enum(["pre", "post"])
    .default("pre")
    .describe("Normaliser of a sublayer f: pre is x + f(norm(x)), post is norm(x + f(x))."),
});

const sgd = section({
  type: z.literal("sgd").describe("Stochastic gradient descent with momentum."),
  learningRate: real.gt(0).describe("Step length; nothing scales it with the batch."),
  momentum: z.number().min(0).lt(1).default(0.9).describe("Weight of the gradients before."),
  schedule,
});

const adam = section({
  type: z.literal("adam").describe("Adam, with the bias correction of PyTorch."),
  learningRate: real.gt(0).default(1e-3).describe("Step length. Default as in PyTorch, as all of Adam's."),
  beta1: z.number().min(0).lt(1).default(0.9).describe("Decay of the mean gradient."),
  beta2: z.number().min(0).lt(1).default(0.999).describe("Decay of the mean squared gradient."),
  epsilon: real.gt(0).default(1e-8).describe("Added to the root of the mean squared gradient."),
  schedule,
});

const training = section({
  network: z.discriminatedUnion("kind", [mlp, transformer]).describe("What learns."),
  steps: z.int().min(1).max(1e6).describe("Optimizer steps; each takes one microbatch on every rank."),
  optimizer: z.discriminatedUnion("type", [sgd, adam]).describe("How parameters follow their gradients."),
  testSamples: z
    .int()
    .min(1)
    .max(2 ** 20)
    .default(2000)
    .describe("Samples to evaluate on, rounded up to whole batches of all ranks."),
  evaluateEvery: z
    .int()
    .min(1)
    .max(1e6)
    .exactOptional()
    .describe("Steps between points of the curves; default: a tenth of the steps."),
});

/** The network that is trained, and how. */
export const trainingSchema: z.ZodType<DraftTraining> = training;

/** The fields of the block. */
export const trainingFields: Readonly<Record<string, z.ZodType>> = training.shape;

/** The fields of each kind of network. */
export const networkFields: Readonly<Record<NetworkSpec["kind"], Readonly<Record<string, z.ZodType>>>> = {
  mlp: mlp.shape,
  transformer: transformer.shape,
};
