import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readScenario } from "../src/node/scenario-files.ts";
import { groupsOf } from "../src/normalizers/group.ts";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import type { NormalizerReport } from "../src/report/report.ts";
import { isFileSource } from "../src/scenario/data-source.ts";
import { layoutOf } from "../src/scenario/mesh.ts";
import type { NpyBatches } from "../src/scenario/npy-source.ts";
import type { NormalizerSpec, RecurrentSpec, Scenario } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { expectOutcome } from "./support/expect-outcome.ts";
import type {
  BatchNormCase,
  NormalizerCase,
  Outcome,
  RankInput,
  RankOutcome,
} from "./support/normalizer-case.ts";
import { referenceOutcome } from "./support/outcome.ts";
import { expectRecurrent, recurrentReference } from "./support/recurrent-reference.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";

// Oracle: the slow reference of support/reference.ts on the very x and dy that the ranks held. It pools
// a group's ranks into one batch, so it also says what SyncBN has to be.

const folder = new URL("../scenarios/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function caseOf(
  spec: Exclude<NormalizerSpec, RecurrentSpec>,
  ranks: readonly JoinedRank[],
  { channels, positions }: { readonly channels: number; readonly positions: readonly number[] },
  { cluster: { gpusPerNode }, storage }: Scenario,
  earlier: BatchNormCase["earlier"],
): NormalizerCase {
  const list = (value: number | readonly number[]): readonly number[] =>
    typeof value === "number" ? new Array<number>(channels).fill(value) : value;
  const inputs = ranks.map(({ samples, x, dy, mask }): RankInput => ({ samples, x, dy, mask }));
  const common = {
    name: spec.name,
    channels,
    positions,
    epsilon: spec.epsilon ?? (storage === "float64" ? 2 ** -52 : 2 ** -23),
    weight: list(spec.weight),
    bias: list(spec.bias),
    ranks: inputs,
    expected: { ranks: [] },
  };
  if (spec.type === "group-norm") return { ...common, type: spec.type, groups: spec.groups };
  if (!("group" in spec)) return { ...common, type: spec.type };
  const group = spec.group === "rank" ? 1 : spec.group === "node" ? gpusPerNode : spec.group;
  const pooling = { ...common, type: "batch-norm", group, momentum: spec.momentum } as const;
  // Only batch renormalisation depends on the steps before.
  if (spec.type === "batch-renorm")
    return { ...pooling, trainingSteps: earlier.length + 1, earlier, renorm: spec };
  const { virtualBatch } = spec;
  const ghost = virtualBatch === undefined ? {} : { virtualBatch };
  return { ...pooling, trainingSteps: 1, earlier: [], ...ghost };
}

/** Expects every next training step of a normaliser that remembers the steps before. */
function recurrenceOf(
  spec: RecurrentSpec,
  { mesh, cluster }: Scenario,
  { channels, positions }: { readonly channels: number; readonly positions: readonly number[] },
  storage: "float32" | "float64",
): (ranks: readonly JoinedRank[]) => void {
  const perSample = positions.reduce((product, extent) => product * extent, 1);
  const groups = groupsOf(spec, { data: mesh.data, tensor: 1, sequence: 1 }, cluster.gpusPerNode);
  const references = groups.map(() => recurrentReference(spec, channels, perSample));
  return (ranks) => {
    for (const [index, group] of groups.entries()) {
      const members = group.ranks.map((rank) => ranks[rank]!);
      expectRecurrent(members, references[index]!(members), spec, members, storage);
    }
  };
}

/** Weight gradients add up over the microbatches of a training step. */
function accumulated(ranks: readonly RankOutcome[], before: readonly RankOutcome[] = []): RankOutcome[] {
  const plus = (own: ArrayLike<number>, sum: ArrayLike<number> | undefined): number[] =>
    Array.from(own, (value, c) => value + (sum?.[c] ?? 0));
  return ranks.map((rank, index) => ({
    ...rank,
    dWeight: plus(rank.dWeight, before[index]?.dWeight),
    dBias: plus(rank.dBias, before[index]?.dBias),
  }));
}

function shapeOf({ data }: Scenario, batches: NpyBatches | null) {
  if (batches !== null) return { channels: batches.channels, positions: batches.positionExtents };
  if (isFileSource(data)) throw new Error("a scenario of files needs their contents");
  return { channels: data.channels, positions: data.positions };
}

/** Normalisers that are not exact, on ranks of unequal size or in a half format. */
const inexactIn: Readonly<Record<string, readonly string[]>> = {
  "implementations.yaml": [
    "PyTorch 1.5",
    "Apex in Python",
    "Horovod TF",
    "detectron2",
    "Flax",
    "MXNet",
    "Paddle",
  ],
  "bf16-payload.yaml": [
    "one-pass",
    "shifted",
    "one-pass in float32",
    "squares on the wire",
    "shifted sums on the wire",
    "PyTorch",
  ],
};

/** Whether the normaliser is there to show what a format does to it. */
function isRounded(spec: NormalizerSpec, { payload }: Scenario): boolean {
  const pools = "group" in spec && spec.group !== "rank";
  return (pools && payload.endsWith("float16")) || ("accumulate" in spec && spec.accumulate !== "float64");
}

describe("the shipped scenarios", () => {
  for (const name of names.filter((name) => !name.startsWith("train-"))) {
    test(`${name} gives what the slow reference gives, and says what it means`, async () => {
      const { scenario, batches } = await readScenario(new URL(name, folder).pathname);
      let compared = 0;
      const earlier: number[][][] = [];
      const recurrences = new Map<number, (ranks: readonly JoinedRank[]) => void>();
      const summed: (RankOutcome[] | undefined)[] = [];
      const report = await simulate(scenario, {
        ...(batches === null ? {} : { batches }),
        onPass(pass) {
          const spec = scenario.normalizers[pass.normalizer]!;
          compared++;
          // What a program error or a format makes is not what the reference makes: their tests say how far off it is.
          if ("fault" in spec || isRounded(spec, scenario)) return;
          const ranks = unsharded(scenario.mesh, pass.ranks, layoutOf(spec));
          const shape = shapeOf(scenario, batches);
          const storage = scenario.storage === "float64" ? "float64" : "float32";
          if (spec.type === "power-norm" || spec.type === "mabn") {
            const known = recurrences.get(pass.normalizer);
            const expectStep = known ?? recurrenceOf(spec, scenario, shape, storage);
            recurrences.set(pass.normalizer, expectStep);
            expectStep(ranks);
          } else {
            const example = caseOf(spec, ranks, shape, scenario, earlier);
            const want = accumulated(referenceOutcome(example).ranks, summed[pass.normalizer]);
            summed[pass.normalizer] = pass.isLastOfStep ? undefined : want;
            const got: Outcome = { ranks };
            const compare = () => expectOutcome(got, { ...example, expected: { ranks: want } }, storage);
            // What other tests hold against the definitions of libraries is not what one big batch gives.
            if (inexactIn[name]?.includes(example.name)) expect(compare).toThrow();
            else compare();
          }
          if (pass.normalizer === scenario.normalizers.length - 1)
            earlier.push(pass.ranks.map(({ x }) => Array.from(x)));
        },
      });
      const isWrong = ({ exactness }: NormalizerReport): boolean => exactness?.isExact === false;
      expect(report.normalizers.filter(isWrong).map((normalizer) => normalizer.name)).toEqual(
        inexactIn[name] ?? [],
      );
      expect(compared).toBe(scenario.normalizers.length * scenario.trainingSteps * scenario.accumulation);
      expect(overviewOf(report).rows).toHaveLength(scenario.normalizers.length);
      expect(findingOf(report)).toMatch(/^\p{Lu}.+\.$/u);
    });
  }

  for (const name of names.filter((name) => name.startsWith("train-"))) {
    test(`${name} trains, for three steps here, and says what it means`, async () => {
      const { scenario } = await readScenario(new URL(name, folder).pathname);
      const training = { ...scenario.training!, steps: 3, evaluateEvery: 2, testSamples: 1 };
      const report = await simulate({ ...scenario, training });
      for (const { training: learnt } of report.normalizers)
        expect(learnt!.curve.map(({ step }) => step)).toEqual([2, 3]);
      expect(overviewOf(report).rows).toHaveLength(scenario.normalizers.length);
      expect(findingOf(report)).toMatch(/^.+ test error after 3 steps.+\.$/u);
    });
  }

  for (const name of names) {
    test(`${name} tells its story, names its source and says what to look at`, () => {
      const [header] = readFileSync(new URL(name, folder), "utf8").split("\nname:") as [string];
      const lines = header.split("\n");
      expect(lines.every((line) => line.startsWith("#"))).toBe(true);
      expect(lines[0]!.length).toBeGreaterThan(20);
      expect(header).toMatch(/^# Source: \S/m);
      expect(header).toMatch(/^# Look at: \S/m);
    });
  }

  test("there is one for every story that is promised", () => {
    const promised = [
      "quickstart",
      "toy-vectors",
      "tiny-microbatch",
      "uneven-ranks",
      "empty-rank",
      "padded-sequences",
      "one-token-decode",
      "label-skew",
      "from-npy",
      "group-sweep",
      "normalizer-family",
      "ghost-batch-norm",
      "power-norm",
      "mabn",
      "tensor-parallel-layer-norm",
      "megatron-layer-norm",
      "missing-gradient-all-reduce",
      "qk-rms-norm",
      "spatial-group-norm",
      "implementations",
      "train-group-size",
      "train-label-noise",
      "train-label-skew",
      "train-pre-post-norm",
      "train-transformer-norms",
      "running-statistics-broadcast",
      "ema-lag",
      "accumulation",
      "federated-evaluation",
    ];
    for (const story of promised) expect(names).toContain(`${story}.yaml`);
  });
});
