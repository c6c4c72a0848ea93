import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { placeDataRanks } from "../src/engine/placement.ts";
import { runBlock } from "../src/engine/spread/block.ts";
import type { Answer, BlockOutcome } from "../src/engine/spread/block-call.ts";
import { mergeBlocks } from "../src/engine/spread/block-merge.ts";
import { type BlockJobs, spreadHost } from "../src/engine/spread/spread-host.ts";
import { spreadObjections } from "../src/engine/spread/spreadable.ts";
import { syntheticWorkload } from "../src/engine/workload.ts";
import { decodeAnswer, decodeOutcome, decodeWhole, encode } from "../src/node/spread/block-codec.ts";
import { isFileSource } from "../src/scenario/data-source.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import type { Scenario } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: the same scenario on one machine. Every report is equal byte for byte: no clock runs here.

/** Blocks in this process, one after the other; what they give travels as text. */
async function blocksHere(scenario: Scenario): Promise<BlockJobs<Float64Array | Answer>> {
  const workload = await syntheticWorkload(scenario);
  return {
    async run(call, count) {
      const outcomes: BlockOutcome[] = [];
      for (const block of placeDataRanks(scenario.mesh, count)) {
        const task = { workload, loaded: undefined, block, call: call as never };
        outcomes.push(decodeOutcome(encode(await runBlock(task, () => {}))));
      }
      const merged = mergeBlocks(workload, call, outcomes);
      const decode = call.kind === "prepare" ? decodeWhole : decodeAnswer;
      return { answer: merged && decode(encode(merged)), outcomes: async () => outcomes };
    },
    close: async () => {},
  };
}

async function expectEqual(scenario: Scenario, blocks: number): Promise<void> {
  const want = await simulate(scenario);
  const got = await simulate(scenario, {
    host: spreadHost(
      blocks,
      () => blocksHere(scenario),
      () => 0,
    ),
  });
  // Not the texts: of these a failure would print megabytes.
  expect(got).toEqual(want);
  expect(JSON.stringify(got) === JSON.stringify(want)).toBe(true);
}

/** Larger scenarios show nothing more, and every block draws its data again for each job. */
const mostElements = 100_000;

const folder = new URL("../scenarios/", import.meta.url);
const ofFolder = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => parseScenario(readFileSync(new URL(name, folder), "utf8"), name))
  .filter((scenario) => spreadObjections(scenario).length === 0 && elementsOf(scenario) <= mostElements)
  .map((scenario): [string, Scenario] => [scenario.name, shortened(scenario)]);

function elementsOf({ data }: Scenario): number {
  if (isFileSource(data)) return Number.POSITIVE_INFINITY;
  const perSample = data.channels * data.positions.reduce((product, extent) => product * extent, 1);
  return perSample * data.samples.reduce((sum, count) => sum + count, 0);
}

/** Of steps, two show that later ones follow from earlier ones. */
function shortened(scenario: Scenario): Scenario {
  const { evaluation, ...rest } = scenario;
  const few = (count: number): number => Math.min(count, 2);
  return {
    ...rest,
    trainingSteps: few(scenario.trainingSteps),
    ...(evaluation !== undefined && {
      evaluation: {
        batches: few(evaluation.batches),
        ...(evaluation.preciseBatches !== undefined && { preciseBatches: few(evaluation.preciseBatches) }),
      },
    }),
  };
}

test.each(ofFolder)("%s: three blocks give the report of one machine", async (_, scenario) => {
  await expectEqual(scenario, 3);
});

test("groups across blocks, several microbatches and steps, every exchange of buffers", async () => {
  const bn = { type: "batch-norm", group: "world" };
  await expectEqual(
    scenarioFrom({
      mesh: { data: 7 },
      data: { source: "gaussian", samples: [2, 1, 0, 3, 2, 2, 1], channels: 5, positions: [3], drift: 0.5 },
      payload: "bfloat16",
      storage: "float16",
      trainingSteps: 2,
      evaluation: { batches: 1, preciseBatches: 2 },
      normalizers: [
        ...["broadcast", "average", "precise", "precise-average"].map((buffers) => ({
          ...bn,
          name: buffers,
          buffers,
        })),
        { ...bn, name: "lists", group: [[0, 6], [3], [1, 2, 5, 4]] },
        { ...bn, name: "merge", implementation: "all-reduce-moments", group: 4 },
        { name: "renorm", type: "batch-renorm", group: 3 },
        { name: "PN", type: "power-norm", group: "world", warmUp: 1 },
        { name: "MABN", type: "mabn", group: "world", window: 2, warmUp: 0, renormAfter: 0 },
        { name: "LN", type: "layer-norm" },
      ],
    }),
    4,
  );
});

test("several microbatches of a step, whose running statistics and gradients are the step's", async () => {
  const bn = { type: "batch-norm", group: 2, deferred: true };
  await expectEqual(
    scenarioFrom({
      mesh: { data: 4 },
      // In float64 the order of every sum shows; two ranks' sums of 40,000 are more than float16 holds.
      data: { source: "gaussian", samples: 2, channels: 3, mean: 20_000 },
      storage: "float64",
      payload: "float16",
      trainingSteps: 2,
      accumulation: 2,
      evaluation: { batches: 1 },
      normalizers: [
        { ...bn, name: "BN" },
        { ...bn, name: "sums", implementation: "keras" },
        { name: "LN", type: "layer-norm" },
      ],
    }),
    3,
  );
});

test("a mesh is cut between data coordinates; more blocks than those are none", async () => {
  const scenario = scenarioFrom({
    mesh: { data: 3, tensor: 2, sequence: 2 },
    data: { source: "sequences", samples: 2, channels: 6, positions: 8, minLength: 3 },
    normalizers: [
      { name: "BN", type: "batch-norm", group: "world" },
      { name: "LN", type: "layer-norm" },
      { name: "GN", type: "group-norm", groups: 2 },
      { name: "IN", type: "instance-norm" },
      { name: "forgotten", type: "layer-norm", fault: "rank-local-statistics" },
    ],
    trainingSteps: 2,
    faults: [{ rank: 5, kind: "inf" }],
  });
  expect(placeDataRanks(scenario.mesh, 2)).toEqual([
    { first: 0, count: 4 },
    { first: 4, count: 8 },
  ]);
  await expectEqual(scenario, 2);
  await expectEqual(scenario, 99);
});

test("what cannot be spread is named", () => {
  const scenario = scenarioFrom({
    mesh: { data: 2, tensor: 2 },
    data: { source: "gaussian", samples: 2, channels: 4 },
    normalizers: [{ name: "LN", type: "layer-norm", tensorParallel: "replicated" }],
    faults: [{ rank: 1, kind: "throw" }],
  });
  expect(spreadObjections(scenario).map(({ path }) => path)).toEqual([
    "faults[0].kind",
    "normalizers[0].tensorParallel",
  ]);
});
