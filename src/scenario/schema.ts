import { allGatherAlgorithms, allReduceAlgorithms } from "../collectives/algorithms.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { imageClasses, imageEdge } from "./images.ts";
import type { Finding } from "./issues.ts";
import { maxRanks } from "./mesh.ts";
import { normalizerFields, normalizerSchema } from "./normalizer-schema.ts";
import { numberFormats } from "./number-format.ts";
import { parseDuration } from "./quantities.ts";
import type { ScenarioDraft } from "./resolution.ts";
import { name, quantity, read, real, section, z } from "./schema-language.ts";
import { trainingSchema } from "./training-schema.ts";

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
});

const npy = section({
  source: z.literal("npy").describe("Activations saved with NumPy."),
  files: paths.describe(
    "One .npy file per rank with what it holds, [N, C, ...positions], relative to this file.",
  ),
  gradients: paths.exactOptional().describe("dy, of the shapes of files; default: drawn from N(0, 1)."),
  mask: paths.exactOptional().describe("Valid positions, [N, ...positions] per rank; nonzero is valid."),
});

const ways = z.int().min(1).max(maxRanks).default(1);
const mesh = section({
  data: ways.describe("Ranks that samples are spread over."),
  tensor: ways.describe("Ranks that channels (features) are spread over; neighbours in rank order."),
  sequence: ways.describe("Ranks that the first position axis is spread over."),
});

const whereFaulty = {
  rank: z.int().min(0).max(1023).describe("Counted from 0."),
  trainingStep: z.int().min(0).max(1e6).default(0).describe("Counted from 0."),
};
const failing = section({
  ...whereFaulty,
  phase: z.enum(["data", "forward", "backward"]).default("forward").describe("What the rank is doing then."),
  kind: z.enum(["throw", "exit", "stall", "exhaust-memory"]).describe("How the rank fails."),
});

const index = z.int().min(0).max(most).default(0);
const spoiled = section({
  ...whereFaulty,
  kind: z.enum(["nan", "inf"]).describe("What one value of the rank's x becomes; the run goes on."),
  sample: index.describe("Of those on the rank, counted from 0."),
  channel: index.describe("Of those on the rank, counted from 0."),
  position: index.describe("Of those on the rank, counted from 0."),
});

const scenario = section({
  name: name.describe("What the scenario shows, in a few words."),
  seed: z.int().min(0).max(0xffffffff).default(1).describe("All randomness flows from it."),
  mesh: mesh
    .prefault({})
    .describe("Ranks that each kind of axis is spread over; their product is the world."),
  data: z
    .discriminatedUnion("source", [gaussian, heavyTailed, labelSkew, sequences, images, tokens, npy])
    .describe("Where activations come from."),
  storage: z
    .enum(["auto", ...numberFormats])
    .default("auto")
    .describe(
      "Type of x, dy, y and dx, rounded to at every store; auto: float64 if any .npy file holds it, else float32.",
    ),
  payload: z
    .enum(["auto", ...numberFormats])
    .default("auto")
    .describe(
      "Type that collectives send and add in, where an implementation has none of its own; auto: storage, " +
        "float32 if that is a half format.",
    ),
  normalizers: z.array(normalizerSchema).min(1).describe("What is compared, in the order of the report."),
  backward: z.boolean().default(true).describe("Whether to run the backward pass."),
  trainingSteps: z.int().min(1).max(1e6).default(1).describe("Training steps; each draws new data."),
  training: trainingSchema
    .nullable()
    .default(null)
    .describe("A network to train with each normaliser; null: normalisers see the data themselves."),
  algorithms: section({
    allReduce: z.enum(allReduceAlgorithms).default("ring").describe("Of every all-reduce."),
    allGather: z.enum(allGatherAlgorithms).default("ring").describe("Of every all-gather."),
  })
    .prefault({})
    .describe("Algorithms of the collectives."),
  cluster: clusterSchema
    .prefault("dgx-a100")
    .describe("What the communication is priced on: the name of a preset, or a cluster."),
  faults: z
    .array(z.discriminatedUnion("kind", [failing, spoiled]))
    .default([])
    .describe("Ranks that fail, or values that are spoiled, on purpose: to see what a run does then."),
  deadline: quantity("30s", parseDuration)
    .pipe(z.number().gt(0).max(86_400))
    .prefault("30s")
    .describe("A rank that makes no progress for this long has stalled; at most a day."),
});

/** A scenario file, as written. The output is a draft: `resolveScenario` fills in what depends on other fields. */
export const scenarioSchema: z.ZodType<ScenarioDraft> = scenario;

/** Check a value against the schema: the draft, or what is wrong field by field. */
export function readDraft(value: unknown): { readonly draft?: ScenarioDraft; readonly findings: Finding[] } {
  const { data, findings } = read(scenarioSchema, value);
  return data === undefined ? { findings } : { draft: data, findings };
}

/** The schema of one field. `data` is what a value means, undefined if it is not sound. */
export interface FieldSchema {
  safeParse(value: unknown): { readonly data?: unknown };
}

type Fields = Readonly<Record<string, FieldSchema>>;

/** The fields of each section, by its discriminator where it has several forms. */
export const fieldSchemas: {
  readonly scenario: Fields;
  readonly data: Readonly<Record<string, Fields>>;
  readonly normalizers: Readonly<Record<string, Fields>>;
  readonly faults: Readonly<Record<string, Fields>>;
} = {
  scenario: scenario.shape,
  data: {
    gaussian: gaussian.shape,
    "heavy-tailed": heavyTailed.shape,
    "label-skew": labelSkew.shape,
    sequences: sequences.shape,
    images: images.shape,
    tokens: tokens.shape,
    npy: npy.shape,
  },
  normalizers: normalizerFields,
  faults: {
    throw: failing.shape,
    exit: failing.shape,
    stall: failing.shape,
    "exhaust-memory": failing.shape,
    nan: spoiled.shape,
    inf: spoiled.shape,
  },
};
