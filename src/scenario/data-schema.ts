import { imageClasses, imageEdge } from "./images.ts";
import type { DraftData } from "./resolution.ts";
import { real, section, z } from "./schema-language.ts";

const spread = real.min(0);
const most = 2 ** 24;
const extent = z.int().min(1).max(most);
const samplesOfRank = z.int().min(0).max(most);
const correlation = z.number().min(0).lt(1);
const paths = z.array(z.string().min(1));

const samples = z
  .union([samplesOfRank, z.array(samplesOfRank)])
  .describe(
    "Samples on each rank: one number for all, or a list with one per rank, equal on the ranks that hold " +
      "parts of the same samples. 0: an empty rank.",
  );
const channels = extent.describe("Channels of an activation: C of [N, C, ...positions].");
const mean = real.default(0).describe("Mean of the activations.");
const std = real.gt(0).default(1).describe("Standard deviation of the activations, above 0.");
const shape = {
  samples,
  channels,
  positions: z
    .union([extent, z.array(extent).max(8)])
    .transform((written) => (typeof written === "number" ? [written] : written))
    .default([])
    .describe("Extents of the position axes, such as [14, 14]; [] is one position."),
};

const gaussian = section({
  source: z.literal("gaussian").describe("Normal activations."),
  ...shape,
  mean,
  std,
  channelSpread: spread.max(10).default(0).describe("How far channels differ, in units of std."),
  positionCorrelation: correlation.default(0).describe("Between positions of one sample and channel."),
  drift: real.default(0).describe("How far the mean moves with every training step, in units of std."),
});

const heavyTailed = section({
  source: z.literal("heavy-tailed").describe("Student t activations, scaled to standard deviation std."),
  ...shape,
  mean,
  std,
  degreesOfFreedom: real.gt(2).describe("Of Student's t, above 2; smaller has heavier tails."),
});

const labelSkew = section({
  source: z.literal("label-skew").describe("Each rank draws its own class probabilities."),
  ...shape,
  classes: extent.default(10).describe("Classes; each has a mean per channel."),
  concentration: real.gt(0).describe("Of each rank's Dirichlet over classes; small is skewed."),
  classSpread: spread.default(1).describe("Standard deviation of the class means."),
  std: std.describe("Standard deviation inside a class, above 0."),
});

const paddedLength = z
  .union([extent, z.tuple([extent])])
  .transform((written): [number] => (typeof written === "number" ? [written] : written))
  .describe("Padded length.");
const maxLength = extent.exactOptional().describe("Longest length; default: positions.");
const masked = z.boolean().default(true).describe("false: padding takes part in the statistics.");

const sequences = section({
  source: z.literal("sequences").describe("Sequences of unequal length, padded with zeros."),
  samples,
  channels,
  positions: paddedLength,
  minLength: extent.default(1).describe("Shortest length; lengths are uniform."),
  maxLength,
  mean,
  std,
  masked,
});

const tokens = section({
  source: z.literal("tokens").describe("Sequences of symbols; the one behind the marker is to be told."),
  samples,
  channels: z.int().min(3).max(256).default(5).describe("Symbols: the marker and one for each class."),
  positions: paddedLength,
  minLength: extent.min(2).default(2).describe("Shortest length; all lengths are equally frequent."),
  maxLength,
  trainingSamples: z
    .int()
    .min(1)
    .max(2 ** 20)
    .default(4000)
    .describe("Different sequences in the training set, of equally frequent classes and lengths."),
  lengths: z
    .enum(["shuffled", "bucketed"])
    .default("shuffled")
    .describe("Sequences a rank draws: any, or those of its share of the lengths, rank 0 the shortest."),
  masked,
});

const images = section({
  source: z.literal("images").describe("Digits of 8x8 pixels; every pixel is a channel."),
  samples,
  channels: z
    .literal(imageEdge * imageEdge)
    .default(imageEdge * imageEdge)
    .describe("Pixels of an image."),
  positions: z.tuple([]).default([]).describe("None: pixels are channels."),
  trainingSamples: z
    .int()
    .min(imageClasses)
    .max(2 ** 20)
    .default(4000)
    .describe("Different images in the training set, of ten equally frequent classes."),
  labels: z
    .union([
      z.enum(["shuffled", "one-class"]),
      section({
        concentration: real.gt(0).describe("Of each rank's Dirichlet over classes; small is skewed."),
      }),
    ])
    .default("shuffled")
    .describe("Images a rank draws: any; those of class rank mod 10; or of classes by its own shares."),
  labelNoise: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("Share of the training images whose label is drawn anew from all classes; tests keep theirs."),
});

const npy = section({
  source: z.literal("npy").describe("Activations saved with NumPy."),
  files: paths.describe(
    "One .npy file per rank with what it holds, [N, C, ...positions], relative to this file.",
  ),
  gradients: paths.exactOptional().describe("dy, of the shapes of files; default: drawn from N(0, 1)."),
  mask: paths.exactOptional().describe("Valid positions, [N, ...positions] per rank; nonzero is valid."),
});

const tensorName = z.string().min(1).max(1000);
const safetensors = section({
  source: z.literal("safetensors").describe("Activations saved as safetensors."),
  files: paths.describe("One file per rank, or one for all ranks, relative to this file."),
  tensors: section({
    x: tensorName.default("x").describe("What the rank holds of [N, C, ...positions]."),
    dy: tensorName.exactOptional().describe("dy, of the shape of x; default: drawn from N(0, 1)."),
    mask: tensorName.exactOptional().describe("Valid positions, [N, ...positions]; nonzero is valid."),
  })
    .prefault({})
    .describe("Names of the tensors; {rank} in one stands for the rank."),
});

const moments = section({
  source: z
    .literal("moments")
    .describe("Moments of activations, taken where those were; see docs/import.md."),
  files: paths
    .min(1)
    .describe("JSONL of {step, rank, layer, count, mean, m2}, any number of files, relative to this file."),
  layer: tensorName.exactOptional().describe("Whose lines are read; default: the only layer there is."),
});

/** Where activations come from, as written. */
export const dataSchema: z.ZodType<DraftData> = z.discriminatedUnion("source", [
  gaussian,
  heavyTailed,
  labelSkew,
  sequences,
  images,
  tokens,
  npy,
  safetensors,
  moments,
]);

/** The fields of each source. */
export const dataFields: Readonly<Record<DraftData["source"], Readonly<Record<string, z.ZodType>>>> = {
  gaussian: gaussian.shape,
  "heavy-tailed": heavyTailed.shape,
  "label-skew": labelSkew.shape,
  sequences: sequences.shape,
  images: images.shape,
  tokens: tokens.shape,
  npy: npy.shape,
  safetensors: safetensors.shape,
  moments: moments.shape,
};
