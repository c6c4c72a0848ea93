import { describe, expect, test } from "vitest";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import { warningsOf } from "../src/report/warnings.ts";
import { simulate } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

const ranks = 4;
const samples = 2;
const channels = 6;
const positions = 5;
const groups = 3;

const fields = {
  mesh: { data: ranks },
  data: { source: "gaussian", samples, channels, positions },
  normalizers: [
    { name: "local", type: "batch-norm" },
    { name: "pairs", type: "batch-norm", group: 2 },
    { name: "sync", type: "batch-norm", group: "world" },
    { name: "merged", type: "batch-norm", group: "world", implementation: "all-reduce-moments" },
    { name: "LN", type: "layer-norm" },
    { name: "GN", type: "group-norm", groups },
    { name: "IN", type: "instance-norm" },
  ],
};

// Oracle: the sets that hold the value, by definition of the index sets; each is spoiled whole.
const shares: Readonly<Record<string, number>> = {
  local: 1 / (ranks * channels),
  pairs: 2 / (ranks * channels),
  sync: 1 / channels,
  merged: 1 / channels,
  LN: 1 / (ranks * samples * positions),
  GN: 1 / (ranks * samples * groups),
  IN: 1 / (ranks * samples * channels),
};

const nonFiniteAt = (values: Float32Array | Float64Array): number[] =>
  Array.from(values, (value, at) => (Number.isFinite(value) ? -1 : at)).filter((at) => at >= 0);

for (const kind of ["nan", "inf"] as const) {
  describe(`one value that is ${kind}`, () => {
    const spoiled = { kind, rank: 2, sample: 1, channel: 3, position: 4 };
    const means: Record<string, Float64Array> = {};
    const spoiledOutputs: number[] = [];
    const run = simulate(scenarioFrom({ ...fields, faults: [spoiled] }), {
      onPass({ ranks: views, normalizer }) {
        const { name } = fields.normalizers[normalizer]!;
        if (name === "LN")
          spoiledOutputs.push(
            ...views.flatMap(({ y }, rank) => nonFiniteAt(y).map((at) => at + rank * y.length)),
          );
        means[name] = views[2]!.used.mean.slice(0, channels);
        means[`${name} m2`] = views[2]!.used.m2.slice(0, channels);
      },
    });

    for (const [name, share] of Object.entries(shares)) {
      test(`spoils ${share} of y and of dx under ${name}, no more and no less`, async () => {
        const { numerics } = (await run).normalizers.find((normalizer) => normalizer.name === name)!;
        expect(numerics.nonFiniteOutputShare).toBe(share);
        expect(numerics.nonFiniteGradientShare).toBe(share);
      });
    }

    test("is said of every normaliser, and not that backward did not run", async () => {
      const report = await run;
      expect(findingOf(report)).toBe(
        "Local, pairs, sync, merged, LN, GN and IN produced values that are not finite.",
      );
      const { columns, rows } = overviewOf(report);
      const gradient = columns.findIndex(({ title }) => title === "dx error");
      expect(rows.map((row) => row[gradient])).toEqual(rows.map(() => "not finite"));
    });

    // Oracle: row-major [N, C, L], one rank after the other.
    test("spoils the token at its sample and position on its rank", async () => {
      await run;
      const token = (channel: number) => ((2 * samples + 1) * channels + channel) * positions + 4;
      expect(spoiledOutputs).toEqual(Array.from({ length: channels }, (_, channel) => token(channel)));
    });

    // Oracle: by hand; ∞ − ∞ is NaN.
    test("makes a mean of its kind and a variance that is NaN", async () => {
      await run;
      for (const name of ["local", "merged"]) {
        expect(means[name]![3]).toBe(kind === "nan" ? Number.NaN : Number.POSITIVE_INFINITY);
        expect(means[`${name} m2`]![3]).toBeNaN();
        expect(means[name]![2]).toBeLessThan(10);
      }
    });

    test("is what the report warns of, with the shares", async () => {
      expect(warningsOf(await run)).toContainEqual(
        expect.stringMatching(/^sync: .*NaN or infinite \(17 % of y, 17 % of dx\)/),
      );
    });
  });
}

test("a value is spoiled in its training step alone", async () => {
  const report = await simulate(
    scenarioFrom({ ...fields, trainingSteps: 4, faults: [{ kind: "nan", rank: 0, trainingStep: 2 }] }),
  );
  const { numerics } = report.normalizers.find(({ name }) => name === "IN")!;
  expect(numerics.nonFinite).toBe(2 * positions);
  expect(numerics.nonFiniteOutputShare).toBe(shares.IN! / 4);
});

test("a value of a file that is spoiled twice is what it was in the next step", async () => {
  // Oracle: by hand; ranks keep the x of files from step to step.
  const scenario = scenarioFrom({
    data: { source: "npy", files: ["x.npy"] },
    trainingSteps: 2,
    normalizers: [{ name: "BN", type: "batch-norm" }],
    faults: [
      { kind: "nan", rank: 0 },
      { kind: "inf", rank: 0 },
    ],
  });
  const x = Float32Array.of(1, 2, 4);
  const seen: number[][] = [];
  await simulate(scenario, {
    batches: {
      ...{ samples: [3], channels: 1, positionExtents: [], storage: "float32" },
      ...{ x: [x], dy: null, mask: null },
    },
    onPass: ({ ranks }) => void seen.push(Array.from(ranks[0]!.x)),
  });
  expect(seen).toEqual([
    [Number.POSITIVE_INFINITY, 2, 4],
    [1, 2, 4],
  ]);
});

test("later steps draw what they would have drawn without it", async () => {
  const xs: number[][][] = [];
  for (const faults of [[], [{ kind: "nan", rank: 2, trainingStep: 0 }]]) {
    const ofSteps: number[][] = [];
    await simulate(scenarioFrom({ ...fields, trainingSteps: 2, faults }), {
      onPass: ({ trainingStep, ranks: views }) => {
        ofSteps[trainingStep] = [...views[2]!.x];
      },
    });
    xs.push(ofSteps);
  }
  expect(xs[1]![0]).not.toEqual(xs[0]![0]);
  expect(xs[1]![1]).toEqual(xs[0]![1]);
});

test("a value that no rank holds is refused, and so are keys of the other kind of fault", async () => {
  const faulty = (fault: object) => scenarioFrom({ ...fields, faults: [fault] });
  await expect(
    (async () => simulate(faulty({ kind: "inf", rank: 1, sample: 2, channel: 6, position: 5 })))(),
  ).rejects.toThrow(
    /faults\[0\]\.sample: expected less than the 2 on the rank, got 2[\s\S]*channel[\s\S]*position/,
  );
  expect(() => faulty({ kind: "nan", rank: 0, phase: "forward" })).toThrow(/phase/);
  expect(() => faulty({ kind: "throw", rank: 0, sample: 1 })).toThrow(/sample/);
  expect(() => faulty({ kind: "nan", rank: ranks })).toThrow(/less than the 4 ranks/);
});

// One value is a set of its own where a sample has one position: it has no unbiased variance, and none is asked for.
test("a value that is a set by itself is spoiled like any other", async () => {
  const report = await simulate(
    scenarioFrom({
      ...fields,
      data: { ...fields.data, positions: 1 },
      normalizers: [{ name: "IN", type: "instance-norm" }],
      faults: [{ kind: "inf", rank: 0 }],
    }),
  );
  expect(report.normalizers[0]!.numerics.nonFinite).toBe(2);
});
