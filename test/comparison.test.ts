import { describe, expect, test } from "vitest";
import { list } from "../src/node/list.ts";
import { describe as describeReport } from "../src/node/run.ts";
import { comparisonOf } from "../src/report/comparison.ts";
import { findingOf } from "../src/report/finding.ts";
import { implementationNames } from "../src/scenario/implementation-names.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

const data = { source: "gaussian", samples: [4, 4, 4, 1], channels: 6, positions: [3], mean: 1 };
const layer = (implementation: string, fields: Record<string, unknown> = {}) => ({
  name: `${implementation} layer`,
  type: "batch-norm",
  group: "world",
  implementation,
  ...fields,
});
const run = (normalizers: readonly object[], fields: Record<string, unknown> = {}) =>
  simulate(scenarioFrom({ mesh: { data: 4 }, seed: 5, storage: "float64", data, normalizers, ...fields }));

describe("a comparison of implementations", () => {
  test("has a row for each, and one sentence for all that are wrong for one reason", async () => {
    const normalizers = [layer("pytorch"), layer("flax"), layer("paddle"), { type: "layer-norm" }];
    const report = await run(normalizers, { trainingSteps: 2 });
    const comparison = comparisonOf(report)!;
    const at = (title: string): number => comparison.columns.findIndex((column) => column.title === title);
    const column = (title: string): string[] => comparison.rows.map((row) => row[at(title)]!);
    expect(column("implementation")).toEqual(["pytorch", "flax", "paddle"]);
    expect(column("forward")).toEqual(["1 all-gather", "1 all-reduce", "1 all-reduce"]);
    // By hand: 8 bytes times 13 + 12, 12 + 12 and 2 · 4 · 13.
    expect(column("payload")).toEqual(["200 B", "192 B", "832 B"]);
    expect(column("ranks weigh by")).toEqual(["values", "nothing", "nothing"]);
    expect(column("here")).toEqual(["exact", "not exact", "not exact"]);
    const because = "every rank weighs the same, and ranks hold 3 to 12 values a channel";
    expect(comparison.reasons).toEqual([`flax layer and paddle layer are not exact here: ${because}.`]);
    expect(findingOf(report)).toContain(`because ${because}; pytorch layer agrees`);
    expect(describeReport(report, 100)).toContain(comparison.reasons[0]!.slice(0, 60));
  });

  test("is not made of one implementation", async () => {
    const report = await run([layer("flax"), layer("flax", { name: "again", epsilon: 1e-3 })]);
    expect(comparisonOf(report)).toBeNull();
    expect(describeReport(report, 100)).not.toContain("not exact here");
  });

  test("has nothing to say where nothing is synchronised", async () => {
    const report = await run([layer("flax", { group: "rank" }), { type: "layer-norm" }]);
    expect(report.normalizers.map(({ exactness }) => exactness)).toEqual([null, null]);
  });
});

describe("exactness", () => {
  test("is against a normaliser's own groups, not the whole batch", async () => {
    const { normalizers } = await run([layer("pytorch", { group: 2 }), layer("flax", { group: 2 })]);
    const [pytorch, flax] = normalizers;
    expect(pytorch!.divergence.outputMse.mean).toBeGreaterThan(1e-3);
    expect(pytorch!.exactness).toMatchObject({ isExact: true });
    // Ranks 0 and 1 hold the same number of values, 2 and 3 do not.
    expect(flax!.exactness!.reason).toContain("ranks hold 3 to 12 values");
  });

  test("scales with the weight as the divergence from the whole batch does", async () => {
    // Oracle: the divergence of y itself; the group is the whole batch.
    const weight = [2, -1, 0.5, 3, 0, 1];
    const { normalizers } = await run([layer("flax", { weight })], { trainingSteps: 2 });
    const { exactness, divergence } = normalizers[0]!;
    expectClose([exactness!.outputMse!], [divergence.outputMse.mean!], 1e-9, 0); // float64, and ε in both
  });

  test("scales the error of dx with each channel's weight", async () => {
    // Oracle: dx itself, against that of an implementation which is exact here.
    const weight = [2, -1, 0.5, 3, 0, 1];
    const dx: number[][] = [];
    const normalizers = [layer("flax", { weight }), layer("all-reduce-moments", { weight })];
    const scenario = scenarioFrom({ mesh: { data: 4 }, seed: 5, storage: "float64", data, normalizers });
    const report = await simulate(scenario, {
      onPass: ({ ranks }) => void dx.push(ranks.flatMap((rank) => Array.from(rank.dx))),
    });
    const norm = (values: number[]): number => Math.hypot(...values);
    const [flax, exact] = dx as [number[], number[]];
    const want = norm(flax.map((value, i) => value - exact[i]!)) / norm(exact);
    expectClose([report.normalizers[0]!.exactness!.gradientRelativeError!], [want], 1e-9, 0);
  });

  test("has no gradient without a backward pass", async () => {
    const { normalizers } = await run([layer("pytorch-1.5")], { backward: false });
    expect(normalizers[0]!.exactness).toMatchObject({ isExact: true, gradientRelativeError: null });
  });

  test("is lost by libraries that know no mask, where there is padding", async () => {
    const sequences = {
      source: "sequences",
      samples: 3,
      channels: 4,
      positions: 8,
      minLength: 2,
      maxLength: 6,
      mean: 2,
    };
    const { normalizers } = await run([layer("pytorch"), layer("detectron2-n"), layer("tf-keras")], {
      data: sequences,
    });
    const [pytorch, ...others] = normalizers;
    expect(pytorch!.exactness!.isExact).toBe(true);
    for (const { exactness } of others) expect(exactness!.reason).toBe("padding is counted as zeros");
    // Both count zeros, so both are off by the same.
    expectClose([others[0]!.exactness!.outputMse!], [others[1]!.exactness!.outputMse!], 1e-9, 0);
  });

  test("is kept by libraries that weigh ranks by samples, where each sample has as many positions", async () => {
    const { normalizers } = await run([layer("detectron2-n"), layer("tf-keras")]);
    for (const { exactness } of normalizers) {
      expect(exactness!.isExact).toBe(true);
      // The biased variance of 39 values against the unbiased one.
      expectClose([exactness!.runningVarianceError!], [1 / 39], 1e-9, 0);
    }
  });

  test("of batch renorm is that of the batch norm inside", async () => {
    const layers = [layer("keras"), layer("keras", { type: "batch-renorm", name: "renorm" })];
    const { normalizers } = await run(layers, { trainingSteps: 2 });
    const [plain, corrected] = normalizers;
    expect(corrected!.exactness).toEqual(plain!.exactness);
  });
});

test("the list of implementations has every name once, with the commands that take it", () => {
  const lines = list("implementations").trimEnd().split("\n");
  const names = lines.map((line) => line.split(" ")[0]!);
  expect(new Set(names).size).toBe(lines.length);
  expect(names.slice(0, implementationNames.length)).toEqual([...implementationNames]);
  expect(lines.find((line) => line.startsWith("pytorch-graph "))).toMatch(/^pytorch-graph +estimate /);
  expect(lines.find((line) => line.startsWith("fairscale "))).toMatch(/^fairscale +run {2}/);
  expect(lines.find((line) => line.startsWith("flax "))).toMatch(/^flax +run, estimate {2}/);
});
