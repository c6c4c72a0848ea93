import { implementationNames } from "./implementation-names.ts";
import { numberFormats } from "./number-format.ts";
import type { DraftNormalizer } from "./resolution.ts";
import type { NormalizerSpec } from "./scenario.ts";
import { name, real, section, z } from "./schema-language.ts";

const perChannel = (fallback: number) => z.union([real, z.array(real)]).default(fallback);
const common = {
  name: name.exactOptional().describe("Unique; default: the type and group, as in batch-norm (world)."),
  epsilon: real.min(0).default(1e-5).describe("Added to the variance. Default as in PyTorch."),
  weight: perChannel(1).describe("Scale: one number, or one per channel."),
  bias: perChannel(0).describe("Shift: one number, or one per channel."),
};

const centring = {
  ...common,
  moments: z
    .enum(["two-pass", "one-pass", "welford", "shifted"])
    .default("two-pass")
    .describe(
      "Algorithm for mean and variance on a rank: one-pass is E[x²] − E[x]², shifted about the first value.",
    ),
  accumulate: z
    .enum(numberFormats)
    .default("float64")
    .describe("Type that moments are computed in, operation by operation."),
};

const ranks = z.array(z.int().min(0).max(1023)).min(1);
const grouped = {
  group: z
    .union([z.enum(["rank", "world", "node"]), z.int().min(1).max(1024), z.array(ranks).min(1)])
    .default("rank")
    .describe(
      "Ranks that pool statistics: rank (local), world (all that hold the same channels), node, that many consecutive ranks, or a list of ranks " +
        "for each group, such as [[0, 2], [1, 3]].",
    ),
};
const pooling = {
  ...centring,
  ...grouped,
  implementation: z
    .enum(implementationNames)
    .default("pytorch")
    .describe("The library whose way of synchronising a group of several ranks is used, or one of our own."),
  momentum: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(0.1)
    .describe("Weight of the NEW batch, as in PyTorch; null: cumulative average."),
  buffers: z
    .enum(["per-rank", "broadcast", "average", "precise", "precise-average"])
    .default("per-rank")
    .describe(
      "Running statistics of data parallel ranks: per-rank; broadcast (rank 0's before every training step and " +
        "evaluation, DDP's broadcast_buffers); average (all-reduced before an evaluation, timm's dist-bn reduce); " +
        "precise (estimated again before an evaluation, from all values of fresh microbatches); precise-average " +
        "(likewise, the mean of the microbatches' statistics).",
    ),
  deferred: z
    .boolean()
    .default(false)
    .describe("One update of the running statistics a training step, from its merged microbatches."),
};

const batchNorm = section({
  type: z.literal("batch-norm").describe("Normalises each channel over samples and positions."),
  ...pooling,
  virtualBatch: z
    .int()
    .min(1)
    .max(2 ** 24)
    .exactOptional()
    .describe("Ghost batch norm, for group rank: samples that are normalised together; default: all."),
});

const batchRenorm = section({
  type: z.literal("batch-renorm").describe("BatchNorm corrected towards the running statistics."),
  ...pooling,
  rMax: real
    .min(1)
    .default(3)
    .describe("The ratio r stays in [1/rMax, rMax]. Default as in Ioffe (2017), after its warm-up."),
  dMax: real
    .min(0)
    .default(5)
    .describe("The shift d stays in [-dMax, dMax]. Default as in Ioffe (2017), after its warm-up."),
});

const token = {
  tensorParallel: z
    .enum(["sharded", "replicated", "sequence-parallel"])
    .exactOptional()
    .describe(
      "Where a token's channels are if mesh.tensor is above 1: sharded over the tensor ranks (default), or as in " +
        "Megatron-LM replicated on each of them, or sequence-parallel: on one of them, each having a part of the tokens.",
    ),
  fault: z
    .enum(["rank-local-statistics", "missing-gradient-all-reduce", "averaged-gradient-all-reduce"])
    .exactOptional()
    .describe(
      "A program error to run on purpose: statistics of the channels of one rank (sharded), or weight gradients " +
        "that tensor ranks do not sum (sequence-parallel).",
    ),
};
const stepCount = z
  .int()
  .min(0)
  .max(2 ** 24);
const newWeight = real.min(0).max(1);

const powerNorm = section({
  type: z
    .literal("power-norm")
    .describe("Divides each channel by a running root mean square; its input is what GroupScaling gave."),
  ...common,
  ...grouped,
  warmUp: stepCount
    .default(10_000)
    .describe("Training steps that divide by the batch's own mean square. Default as in the authors' code."),
  momentum: newWeight
    .default(0.1)
    .describe("Weight of the NEW batch in the running mean square: 1 - 0.9 of the authors' code."),
  momentumBackward: newWeight
    .default(0.1)
    .describe(
      "Share of the accumulated error by which a gradient is corrected: 1 - 0.9 of the authors' code.",
    ),
});

const mabn = section({
  type: z
    .literal("mabn")
    .describe("Divides each channel by the root of the mean square of the last training steps, averaged."),
  ...common,
  ...grouped,
  window: z.int().min(1).max(4096).describe("Training steps that are averaged, forward and backward."),
  warmUp: stepCount
    .default(100)
    .describe(
      "Steps before this one use the batch's own mean square, as the first window does. Default as in the authors' code.",
    ),
  renormAfter: stepCount
    .default(1000)
    .describe(
      "Steps, at least warmUp, before the output is corrected by std / running std, clipped to [1/5, 5]. " +
        "Default as in the authors' code.",
    ),
  momentum: newWeight
    .default(0.02)
    .describe("Weight of the NEW average in the running mean square: 1 - 0.98 of the authors' code."),
});

const layerNorm = section({
  type: z.literal("layer-norm").describe("Normalises each token over its channels."),
  ...centring,
  ...token,
});

const rmsNorm = section({
  type: z.literal("rms-norm").describe("Divides each token by the root mean square of its channels."),
  ...common,
  ...token,
  epsilon: real
    .min(0)
    .nullable()
    .default(null)
    .describe(
      "Added to the mean square; null, the default as in PyTorch: the machine epsilon of the storage type, " +
        "2^-23 in float32, 2^-52 in float64, 2^-10 in float16 and 2^-7 in bfloat16.",
    ),
});

const groupNorm = section({
  type: z.literal("group-norm").describe("Normalises each sample over positions and a block of channels."),
  ...centring,
  groups: z
    .int()
    .min(1)
    .max(2 ** 24)
    .describe("Blocks of consecutive channels; divides the channels."),
});

const instanceNorm = section({
  type: z.literal("instance-norm").describe("Normalises each channel of each sample over its positions."),
  ...centring,
});

/** A normaliser as written. */
export const normalizerSchema: z.ZodType<DraftNormalizer> = z.discriminatedUnion("type", [
  batchNorm,
  batchRenorm,
  powerNorm,
  mabn,
  layerNorm,
  rmsNorm,
  groupNorm,
  instanceNorm,
]);

/** The fields of each type of normaliser. */
export const normalizerFields: Readonly<Record<NormalizerSpec["type"], Readonly<Record<string, z.ZodType>>>> =
  {
    "batch-norm": batchNorm.shape,
    "batch-renorm": batchRenorm.shape,
    "power-norm": powerNorm.shape,
    mabn: mabn.shape,
    "layer-norm": layerNorm.shape,
    "rms-norm": rmsNorm.shape,
    "group-norm": groupNorm.shape,
    "instance-norm": instanceNorm.shape,
  };
