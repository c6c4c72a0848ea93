import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countSchedule } from "../src/collectives/count.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { payloadBytes } from "../src/cost/frameworks/profile.ts";
import { frameworkProfile } from "../src/cost/frameworks/profiles.ts";
import { isSimulatorError } from "../src/errors.ts";
import type { Extent } from "../src/kernels/index-sets.ts";
import { batchNorm } from "../src/normalizers/batch-norm.ts";
import { implementations } from "../src/normalizers/implementations.ts";
import type { CollectiveShape } from "../src/normalizers/operator.ts";
import { type ImplementationName, implementationNames } from "../src/scenario/implementation-names.ts";
import { bytesPerValue } from "../src/scenario/number-format.ts";
import { expectClose } from "./support/close.ts";
import {
  equalWeights,
  libraryGradient,
  libraryStatistics,
  meansOfMeans,
} from "./support/library-reference.ts";
import { runLibraries, runLibrary } from "./support/run-library.ts";

// Oracles: hand, closed forms, and finite differences of the closed forms (support/library-reference.ts).

/** A few dozen float64 roundings of 2^-53 of numbers up to 100. */
const arithmeticTolerance = 1e-11;
/** Central differences with h = 1e-5: h² of third derivatives up to 100, and 2^-53/h of values up to 100. */
const differenceTolerance = 1e-6;

describe("ranks [1, 2, 3] and [10] at ε = 0, dy = [1, 0, 0 | 0]", () => {
  // By hand: exact 4 and 12.5. Ranks of equal weight: means 2 and 10, mean squares 14/3 and 100: 6 and 157/3 − 36.
  const x = [[1, 2, 3], [10]];
  const dy = [[1, 0, 0], [0]];
  const iv = 1 / Math.sqrt(12.5);
  const exactDx = [0.57 * iv, -0.37 * iv, -0.31 * iv, 0.11 * iv];
  // PyTorch until issue 36382: means of dy 1/3 and 0, of dy·(x − m) −1 and 0; halved, dx = iv·(dy − 1/6 + d/25).
  const oldDx = [1 - 1 / 6 - 3 / 25, -1 / 6 - 2 / 25, -1 / 6 - 1 / 25, -1 / 6 + 6 / 25].map((k) => k * iv);

  for (const name of implementationNames.filter((it) => it !== "inplace-abn")) {
    test(name, async () => {
      const { used, dx, report } = await runLibrary(name, { x, dy, epsilon: 0 });
      const isEqual = equalWeights.includes(name);
      const [mean, variance] = isEqual ? [6, 157 / 3 - 36] : [4, 12.5];
      for (const rank of used) {
        expectClose(
          [rank.mean, rank.m2 / rank.count],
          [mean, variance],
          arithmeticTolerance,
          0,
          "statistics",
        );
      }
      const { exactness } = report;
      if (name === "pytorch-1.5") {
        expectClose(dx.flat(), oldDx, 0, arithmeticTolerance, "dx");
        const sum = dx.flat().reduce((total, value) => total + value);
        expectClose([sum], [0.09428], 0, 5e-6, "Σdx"); // five digits are given
        expect(exactness!.isExact).toBe(false);
        expect(exactness!.outputMse).toBeLessThan(arithmeticTolerance);
        expect(exactness!.reason).toContain("36382");
      } else if (!isEqual) {
        expectClose(dx.flat(), exactDx, 0, arithmeticTolerance, "dx");
        expect(exactness).toMatchObject({ isExact: true, reason: null });
      } else {
        expect(exactness!.isExact).toBe(false);
        expect(exactness!.reason).toBe("every rank weighs the same, and ranks hold 1 to 3 values a channel");
        // x̂ = (x − 6)·iv' against (x − 4)·iv.
        const own = 1 / Math.sqrt(157 / 3 - 36);
        const errors = x.flat().map((value) => ((value - 6) * own - (value - 4) * iv) ** 2);
        const want = errors.reduce((total, error) => total + error) / 4;
        expectClose([exactness!.outputMse!], [want], arithmeticTolerance, 0, "outputMse");
      }
    });
  }
});

/** Ranks of 2 to 6 values, none of them large: two are enough for every library. */
const unevenRanks = fc
  .array(fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 2, maxLength: 6 }), {
    minLength: 2,
    maxLength: 4,
  })
  .map((ranks) => ranks.map((values) => values.map((value) => value / 4)));
const runs = { numRuns: 10, seed: 4 };

const gradientOf = (x: readonly (readonly number[])[]): number[][] =>
  x.map((values, rank) => values.map((_, i) => ((i * 7 + rank * 3) % 5) - 1.5));
const square = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

describe("on ranks of any size", () => {
  test("each implementation has the statistics and the gradient of its definition", async () => {
    await fc.assert(
      fc.asyncProperty(unevenRanks, async (x) => {
        const dy = gradientOf(x);
        const outcomes = await runLibraries(implementationNames, { x, dy, epsilon: 0.5 });
        for (const name of implementationNames) {
          const { mean, variance } = libraryStatistics(name, x);
          for (const { mean: got, m2, count } of outcomes[name].used)
            expectClose([got, m2 / count], [mean, variance], 0, arithmeticTolerance, name);
          const want = libraryGradient(name, x, dy, 0.5);
          expectClose(outcomes[name].dx.flat(), want.flat(), 0, differenceTolerance, `dx of ${name}`);
        }
      }),
      runs,
    );
  });

  test("the errors of a report are those of y and dx, and its verdict follows them", async () => {
    // Oracle: PyTorch's way, which other tests hold against PyTorch, and the comparison with the whole batch.
    await fc.assert(
      fc.asyncProperty(unevenRanks, async (x) => {
        const outcomes = await runLibraries(implementationNames, { x, dy: gradientOf(x), epsilon: 0.5 });
        const exact = outcomes.pytorch.dx.flat();
        for (const name of implementationNames) {
          const { report, dx } = outcomes[name];
          const { outputMse, gradientRelativeError, isExact } = report.exactness!;
          expectClose([outputMse!], [report.divergence.outputMse.mean!], 1e-9, 1e-20, name);
          const error = Math.sqrt(square(dx.flat().map((value, i) => value - exact[i]!)) / square(exact));
          if (square(exact) > 1e-6) expectClose([gradientRelativeError!], [error], 1e-6, 1e-6, name);
          // Rounding in float64 is far below, and any library's error far above, what float32 would round away.
          const isWrong = outputMse! > 1e-10 || error > 1e-4;
          if (square(exact) > 1e-6) expect(isExact, `${name}: ${outputMse}, ${error}`).toBe(!isWrong);
        }
      }),
      runs,
    );
  });
});

describe("on ranks of equal size", () => {
  const equalRanks = fc
    .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 2, max: 6 }))
    .chain(([ranks, values]) =>
      fc.array(fc.array(fc.integer({ min: -12, max: 12 }), { minLength: values, maxLength: values }), {
        minLength: ranks,
        maxLength: ranks,
      }),
    );
  for (const storage of ["float64", "float32"] as const) {
    test(`every implementation is exact in ${storage}`, async () => {
      await fc.assert(
        fc.asyncProperty(equalRanks, async (x) => {
          const outcomes = await runLibraries(implementationNames, {
            ...{ x, dy: gradientOf(x), epsilon: 0.5, storage },
          });
          for (const name of implementationNames)
            expect(outcomes[name].report.exactness, name).toMatchObject({ isExact: true, reason: null });
        }),
        runs,
      );
    });
  }
});

describe("an empty rank", () => {
  const x = [[1, 2], [], [3, 4, 6]];
  const dy = [[1, 0], [], [0, 2, 0]];
  // By hand: m = 16/5, Σx² = 66, v = 66/5 − 256/25 = 74/25.
  for (const name of implementationNames) {
    const { emptyRank } = implementations[name];
    if (emptyRank === "joins") {
      test(`of ${name} joins and does not count`, async () => {
        const { used, report } = await runLibrary(name, { x, dy, epsilon: 0 });
        for (const rank of used)
          expectClose([rank.mean, rank.m2 / rank.count], [3.2, 2.96], arithmeticTolerance, 0, "statistics");
        expect(report.exactness!.isExact).toBe(true);
        expect(report.perRank[1]!.messagesSent).toBeGreaterThan(0);
      });
    } else if (emptyRank === "nan") {
      test(`of ${name} makes every rank's output NaN`, async () => {
        const { y, runningMean, report } = await runLibrary(name, { x, dy, epsilon: 0 });
        expect(y.flat().every(Number.isNaN)).toBe(true);
        expect(runningMean).toEqual([Number.NaN, Number.NaN, Number.NaN]);
        expect(report.numerics.nonFinite).toBe(10); // five values each of y and dx
        expect(report.exactness).toMatchObject({
          isExact: false,
          outputMse: null,
          reason: "the means of an empty rank are 0/0, and reach every rank",
        });
      });
    } else {
      test(`of ${name} ends the run with the library's own reason`, async () => {
        const run = runLibrary(name, { x, dy, epsilon: 0 });
        const error: unknown = await run.catch((cause: unknown) => cause);
        expect(isSimulatorError(error, "RankError")).toBe(true);
        expect((error as Error).message).toContain(emptyRank.because);
        expect((error as Error).message).toMatch(/^rank 1: /);
      });
    }
  }

  test("inplace_abn stops at a rank of one value, too", async () => {
    const run = runLibrary("inplace-abn", {
      x: [[1, 2], [3]],
      dy: [[0, 0], [0]],
      epsilon: 0,
    });
    await expect(run).rejects.toThrow("rank 1: 1 value per channel");
  });

  test("in front leaves all-reduce-shifted without a shift", async () => {
    const far = [
      [1000.3, 1001.1],
      [1002.7, 1004.9],
    ];
    const run = (x: number[][]) =>
      runLibrary("all-reduce-shifted", { x, dy: gradientOf(x), epsilon: 0, storage: "float32" });
    const [empty, last] = [await run([[], ...far]), await run([...far, []])];
    expect(empty.report.exactness!.reason).toContain("an empty first rank leaves nothing to shift by");
    expect(last.report.exactness!.isExact).toBe(true);
  });
});

describe("running variances", () => {
  // By hand: [1, 2, 3, 4] has Σd² = 5: 1.25 biased, 1.66667 unbiased (keras-team/keras#10443, tensorflow#55545).
  const unbiased = [
    "pytorch",
    "pytorch-1.5",
    "apex",
    "apex-python",
    "horovod",
    "inplace-abn",
    "fairscale",
    "mindspore",
  ];
  for (const name of implementationNames) {
    const want = unbiased.includes(name) || name.startsWith("all-reduce") ? 5 / 3 : 1.25;
    test(`${name} remembers ${want.toFixed(5)} of [1, 2 | 3, 4]`, async () => {
      const x = [
        [1, 2],
        [3, 4],
      ];
      const { runningVariance, report } = await runLibrary(name, { x, dy: x, epsilon: 0 });
      expectClose(runningVariance, [want, want], arithmeticTolerance, 0, "running variance");
      const error = want === 1.25 ? 0.25 : 0;
      expectClose([report.exactness!.runningVarianceError!], [error], 0, arithmeticTolerance, "error");
      expect(report.exactness!.isExact).toBe(true);
    });
  }
});

/** One set per channel, whatever a rank holds. */
const collectivesOf = (implementation: ImplementationName, extent: Extent): readonly CollectiveShape[] =>
  batchNorm({ implementation }).collectives(extent, { setCount: extent.channels, isMasked: false });

describe("payloads", () => {
  const channels = 64;
  const extent = { samples: 2, channels, positions: 4 };
  const C = channels;
  // Oracle: what the sources send, in elements per pass; integers are counts.
  const elements: Readonly<
    Record<ImplementationName, readonly [forward: number, backward: number, collectives: number]>
  > = {
    pytorch: [2 * C + 1, 2 * C, 2],
    "pytorch-1.5": [2 * C + 1, 2 * C, 5],
    apex: [2 * C + 1, 2 * C, 2],
    "apex-python": [2 * C, 2 * C, 4],
    horovod: [2 * C + 1, 2 * C, 5],
    "horovod-tensorflow": [2 * C, 2 * C, 2],
    detectron2: [2 * C, 2 * C, 2],
    "detectron2-n": [2 * C + 1, 2 * C + 1, 2],
    keras: [3 * C, 2 * C, 5],
    "tf-keras": [2 * C + 1, 2 * C, 5],
    flax: [2 * C, 2 * C, 2],
    mxnet: [2 * C, 2 * C, 4],
    paddle: [4 * (2 * C + 1), 4 * (2 * C + 1), 2],
    "inplace-abn": [2 * C + 1, 2 * C, 3],
    fairscale: [2 * C + 1, 2 * C, 3],
    mindspore: [3 * C, 2 * C, 5],
    "all-reduce-moments": [3 * C, 2 * C, 2],
    "all-reduce-shifted": [3 * C + 1, 2 * C, 3],
  };
  const wide: Partial<Record<ImplementationName, number>> = { horovod: 1, "inplace-abn": 1 };

  for (const name of implementationNames) {
    const shapes = collectivesOf(name, extent);
    test(`of ${name}`, () => {
      const sum = (pass: string): number =>
        shapes.filter((shape) => shape.pass === pass).reduce((total, { values }) => total + values, 0);
      expect([sum("forward"), sum("backward"), shapes.length]).toEqual(elements[name]);
      const bytes = shapes.reduce(
        (total, { values, format }) => total + values * bytesPerValue(format ?? "float32"),
        0,
      );
      const [forward, backward] = elements[name];
      expect(bytes).toBe(4 * (forward + backward + (wide[name] ?? 0)));
    });

    const profile = frameworkProfile(name);
    if (profile === undefined || profile.exchangesThroughHost) continue;
    test(`of ${name} are those of its cost profile`, () => {
      const priced = [...profile.forward.collectives, ...profile.backward.collectives].map((collective) => [
        collective.operation,
        payloadBytes(collective, channels),
      ]);
      const sent = shapes.map(({ operation, values, format }) => [
        operation,
        values * bytesPerValue(format ?? "float32"),
      ]);
      expect(sent).toEqual(priced);
    });
  }

  test("of ResNet-50 are 212,692 B forward and 212,480 B backward in 106 collectives", () => {
    // He et al. (2016): 1 stem of 64 channels, bottlenecks of (64, 64, 256)·3, (128, 128, 512)·4, (256, 256, 1024)·6,
    // (512, 512, 2048)·3, and a projection of each stage: 53 layers of 26,560 channels.
    const stages = [
      [3, 64],
      [4, 128],
      [6, 256],
      [3, 512],
    ] as const;
    const layers = [
      64,
      ...stages.flatMap(([blocks, width]) => [
        ...Array.from({ length: blocks }, () => [width, width, 4 * width]).flat(),
        4 * width,
      ]),
    ];
    expect(layers).toHaveLength(53);
    const all = layers.flatMap((width) => collectivesOf("pytorch", { ...extent, channels: width }));
    const bytes = (wanted: string): number =>
      all.filter(({ pass }) => pass === wanted).reduce((total, { values }) => total + 4 * values, 0);
    expect([bytes("forward"), bytes("backward"), all.length]).toEqual([212_692, 212_480, 106]);
  });

  test("of 2048 channels on 256 ranks put 4,178,940 B on the wire per rank by gathering, 32,648 B by reducing", () => {
    const sentBytes = (name: ImplementationName, index: number): number => {
      const { operation, values } = collectivesOf(name, {
        ...extent,
        channels: 2048,
      })[index]!;
      const schedule = buildSchedule(operation, "ring" as never, {
        ranks: 256,
        payloadElements: values,
        ranksPerNode: 8,
      });
      return (4 * countSchedule(schedule).elements) / 256;
    };
    expect(sentBytes("pytorch", 0)).toBe(4_178_940);
    expect(Math.round(sentBytes("all-reduce-shifted", 1))).toBe(32_648);
  });
});

test("only mean-of-means gradients and equal weights depend on how values are spread over ranks", () => {
  // Oracle: the definitions; support/library-reference.ts names them by hand, the data by weighting and fields.
  const fromData = implementationNames.filter((name) => implementations[name].weighting === "equal");
  expect(fromData).toEqual(equalWeights);
  const averaging = implementationNames.filter(
    (name) => implementations[name].backward[0]!.fields[0] === "meanDy",
  );
  expect(averaging).toEqual(meansOfMeans);
});
