import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CompletedPass } from "../src/engine/coordinator.ts";
import { readScenario } from "../src/node/scenario-files.ts";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import type { NormalizerSpec, Scenario } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { expectOutcome } from "./support/expect-outcome.ts";
import type { BatchNormCase, NormalizerCase, Outcome, RankInput } from "./support/normalizer-case.ts";
import { referenceOutcome } from "./support/outcome.ts";

// Oracle: the slow reference of support/reference.ts on the very x and dy that the ranks held. It pools
// a group's ranks into one batch, so it also says what SyncBN has to be.

const folder = new URL("../scenarios/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function caseOf(
  spec: NormalizerSpec,
  { ranks }: CompletedPass,
  positions: readonly number[],
  { cluster: { gpusPerNode }, storage }: Scenario,
  earlier: BatchNormCase["earlier"],
): NormalizerCase {
  const { channels } = ranks[0]!.extent;
  const list = (value: number | readonly number[]): readonly number[] =>
    typeof value === "number" ? new Array<number>(channels).fill(value) : value;
  const inputs = ranks.map(({ extent, x, dy, mask }): RankInput => {
    return {
      samples: extent.samples,
      x: Array.from(x),
      dy: Array.from(dy),
      mask: mask === null ? null : Array.from(mask),
    };
  });
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

describe("the shipped scenarios", () => {
  for (const name of names) {
    test(`${name} gives what the slow reference gives, and says what it means`, async () => {
      const { scenario, batches } = await readScenario(new URL(name, folder).pathname);
      let compared = 0;
      const earlier: number[][][] = [];
      const report = await simulate(scenario, {
        ...(batches === null ? {} : { batches }),
        onPass(pass) {
          const positions =
            batches?.positionExtents ?? (scenario.data.source === "npy" ? [] : scenario.data.positions);
          const example = caseOf(scenario.normalizers[pass.normalizer]!, pass, positions, scenario, earlier);
          const want = referenceOutcome(example);
          const got: Outcome = { ranks: pass.ranks };
          expectOutcome(
            got,
            { ...example, expected: { ranks: want.ranks } },
            scenario.storage === "float64" ? "float64" : "float32",
          );
          compared++;
          if (pass.normalizer === scenario.normalizers.length - 1)
            earlier.push(pass.ranks.map(({ x }) => Array.from(x)));
        },
      });
      expect(compared).toBe(scenario.normalizers.length * scenario.trainingSteps);
      expect(overviewOf(report).rows).toHaveLength(scenario.normalizers.length);
      expect(findingOf(report)).toMatch(/^\p{Lu}.+\.$/u);
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
    ];
    for (const story of promised) expect(names).toContain(`${story}.yaml`);
  });
});
