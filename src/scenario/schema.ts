import { allGatherAlgorithms, allReduceAlgorithms } from "../collectives/algorithms.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { dataFields, dataSchema } from "./data-schema.ts";
import type { Finding } from "./issues.ts";
import { maxRanks } from "./mesh.ts";
import { normalizerFields, normalizerSchema } from "./normalizer-schema.ts";
import { numberFormats } from "./number-format.ts";
import { parseDuration } from "./quantities.ts";
import type { ScenarioDraft } from "./resolution.ts";
import { name, quantity, read, section, z } from "./schema-language.ts";
import { networkFields, trainingFields, trainingSchema } from "./training-schema.ts";

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
const anyPhase = z
  .enum(["data", "forward", "backward"])
  .default("forward")
  .describe("What the rank is doing then.");
const failing = section({
  ...whereFaulty,
  phase: anyPhase,
  kind: z.enum(["throw", "exit", "stall", "exhaust-memory"]).describe("How the rank fails."),
});
const delay = quantity("500ms", parseDuration)
  .pipe(z.number().gt(0).max(3600))
  .prefault("500ms")
  .describe("How long it pauses; less than the deadline.");
const slow = section({
  ...whereFaulty,
  phase: anyPhase,
  kind: z
    .literal("slow")
    .describe("The rank pauses in every pass of that training step; the others wait, and the run goes on."),
  delay,
});
const lateStart = section({
  rank: whereFaulty.rank,
  kind: z.literal("late-start").describe("The rank starts later than the others; the run goes on."),
  delay,
});
const discord = section({
  ...whereFaulty,
  phase: z
    .enum(["forward", "backward"])
    .default("forward")
    .describe("Of the first normaliser that communicates then."),
  kind: z
    .enum(["wrong-order", "wrong-size", "wrong-group", "early-return", "dropped-message"])
    .describe(
      "What the rank does there that its peers do not: it swaps two collectives, leaves an element out of one, calls it " +
        "among all ranks, returns from the pass without joining, or its first message is lost. The run fails and says so.",
    ),
});

const index = z
  .int()
  .min(0)
  .max(2 ** 24)
  .default(0);
const spoiled = section({
  ...whereFaulty,
  kind: z.enum(["nan", "inf"]).describe("What one value of the rank's x becomes; the run goes on."),
  sample: index.describe("Of those on the rank, counted from 0."),
  channel: index.describe("Of those on the rank, counted from 0."),
  position: index.describe("Of those on the rank, counted from 0."),
});

const batches = z.int().min(1).max(1e5);
const evaluation = section({
  batches: batches
    .default(10)
    .describe("Held-out microbatches drawn on each rank; every rank is judged on those of all ranks."),
  preciseBatches: batches
    .exactOptional()
    .describe("For buffers: precise. Microbatches of each rank that statistics are estimated from."),
});

const scenario = section({
  name: name.describe("What the scenario shows, in a few words."),
  seed: z.int().min(0).max(0xffffffff).default(1).describe("All randomness flows from it."),
  mesh: mesh
    .prefault({})
    .describe("Ranks that each kind of axis is spread over; their product is the world."),
  data: dataSchema.describe("Where activations come from."),
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
  accumulation: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe("Microbatches of a training step, each normalised by itself; weight gradients are summed."),
  evaluation: evaluation
    .exactOptional()
    .describe("Judge the running statistics on held-out data after the last training step."),
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
    .array(z.discriminatedUnion("kind", [failing, slow, lateStart, discord, spoiled]))
    .default([])
    .describe(
      "Ranks that fail, are late or do not call what their peers call, or values that are spoiled, on purpose: to see what a " +
        "run does then.",
    ),
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
  readonly training: Fields;
  readonly networks: Readonly<Record<string, Fields>>;
  readonly faults: Readonly<Record<string, Fields>>;
} = {
  scenario: scenario.shape,
  data: dataFields,
  normalizers: normalizerFields,
  training: trainingFields,
  networks: networkFields,
  faults: {
    throw: failing.shape,
    exit: failing.shape,
    stall: failing.shape,
    "exhaust-memory": failing.shape,
    slow: slow.shape,
    "late-start": lateStart.shape,
    "wrong-order": discord.shape,
    "wrong-size": discord.shape,
    "wrong-group": discord.shape,
    "early-return": discord.shape,
    "dropped-message": discord.shape,
    nan: spoiled.shape,
    inf: spoiled.shape,
  },
};
