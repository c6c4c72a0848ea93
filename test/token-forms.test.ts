import { describe, expect, test } from "vitest";
import { allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import type { RankViews } from "../src/engine/arena-views.ts";
import { findEvidence } from "../src/explain/dependency.ts";
import { piscinaHost } from "../src/node/piscina-host.ts";
import { findingOf } from "../src/report/finding.ts";
import type { Report } from "../src/report/report.ts";
import { warningsOf } from "../src/report/warnings.ts";
import { layoutOf } from "../src/scenario/mesh.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { references } from "./support/reference.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";

// Oracles: the same run on whole tokens, the slow reference, and closed forms.

const data = { source: "gaussian", samples: 3, channels: 7, positions: [7, 2], mean: 3, channelSpread: 1 };
const weight = [1.5, -0.5, 2, 1, 0.25, 3, -1];
const bias = [0.25, 0, -1, 3, 2, -2, 1];
const forms = ["sharded", "replicated", "sequence-parallel"] as const;
const inEveryForm = forms.flatMap((tensorParallel) =>
  ["layer-norm", "rms-norm"].map((type) => ({
    name: `${tensorParallel} ${type}`,
    type,
    weight,
    bias,
    tensorParallel,
  })),
);

/** 7 values of order 10, and sums of 84 of them in another order, as in mesh.test.ts. */
const tolerance = 1e-13;

interface KeptRank {
  readonly y: number[];
  readonly dWeight: number[];
  readonly dBias: number[];
  readonly views: RankViews;
}

async function run(fields: Record<string, unknown>) {
  const scenario = scenarioFrom({ data, normalizers: inEveryForm, storage: "float64", ...fields });
  const joined: Record<string, JoinedRank[]> = {};
  const ranks: Record<string, KeptRank[]> = {};
  const report = await simulate(scenario, {
    onPass(pass) {
      const spec = scenario.normalizers[pass.normalizer]!;
      joined[spec.name] = unsharded(scenario.mesh, pass.ranks, layoutOf(spec));
      ranks[spec.name] = pass.ranks.map((views) => {
        const { y, dWeight, dBias } = views;
        return { y: Array.from(y), dWeight: Array.from(dWeight), dBias: Array.from(dBias), views };
      });
    },
  });
  const named = Object.fromEntries(report.normalizers.map((normalizer) => [normalizer.name, normalizer]));
  return { joined, ranks, report, named };
}

describe("Megatron's forms of LayerNorm and RMSNorm", () => {
  for (const [mesh, allReduce] of [
    [{ tensor: 3 }, "ring"],
    [{ tensor: 7 }, "ring"],
    [{ data: 2, tensor: 3, sequence: 2 }, "ring"],
    ...allReduceAlgorithms.map((algorithm) => [{ data: 2, tensor: 3 }, algorithm] as const),
  ] as const) {
    test(`are what they are on whole tokens: ${JSON.stringify(mesh)}, ${allReduce}`, async () => {
      const { joined, report } = await run({ mesh, algorithms: { allReduce } });
      const { joined: whole } = await run({ mesh: { data: "data" in mesh ? mesh.data : 1 } });
      for (const [name, coordinates] of Object.entries(joined)) {
        for (const [index, got] of coordinates.entries()) {
          for (const key of ["x", "y", "dx", "dWeight", "dBias"] as const)
            expectClose(got[key], whole[name]![index]![key], 0, tolerance, `${name} ${key}`);
        }
      }
      for (const { divergence, weightGradients, name } of report.normalizers) {
        expect(divergence.outputMse.max, name).toBeLessThan(tolerance ** 2);
        if (name.startsWith("sharded")) expect(weightGradients).toBeNull();
        else expect(weightGradients).toMatchObject({ disagreement: 0, error: expect.closeTo(0, 12) });
      }
    });
  }

  test("are one form without tensor parallelism, bit for bit", async () => {
    const { ranks, report } = await run({ mesh: { data: 2, sequence: 2 } });
    const values = (name: string) => ranks[name]!.map(({ y, dWeight, dBias }) => ({ y, dWeight, dBias }));
    for (const type of ["layer-norm", "rms-norm"]) {
      expect(values(`replicated ${type}`)).toEqual(values(`sharded ${type}`));
      expect(values(`sequence-parallel ${type}`)).toEqual(values(`sharded ${type}`));
    }
    for (const { weightGradients, communication } of report.normalizers) {
      expect(weightGradients).toBeNull();
      expect(communication.total.messages).toBe(0);
    }
  });

  test("hold activations T times, or 1/T of them, and send nothing, or 2D weight gradients", async () => {
    // Closed forms: [2, 8, 16] of 4 B is 1 KiB; 2·8 gradients of 4 B, and 8 where RMSNorm has no bias.
    const normalizers = inEveryForm.map((entry) => ({ ...entry, weight: 1, bias: 0 }));
    const even = { source: "gaussian", samples: 2, channels: 8, positions: 16 };
    const { named } = await run({ mesh: { tensor: 4 }, data: even, normalizers, storage: "float32" });
    const figures = (name: string) => {
      const { communication, perRank } = named[name]!;
      const { forward, backward } = communication;
      return [perRank[3]!.activationBytes, forward.payloadBytesPerRank, backward.payloadBytesPerRank];
    };
    expect(figures("replicated layer-norm")).toEqual([1024, 0, 0]);
    expect(figures("sequence-parallel layer-norm")).toEqual([256, 0, 64]);
    expect(figures("sequence-parallel rms-norm")).toEqual([256, 0, 32]);
    expect(figures("sharded layer-norm")).toEqual([256, 256, 256]);
    const { backward } = named["sequence-parallel layer-norm"]!.communication;
    expect(backward).toMatchObject({ collectives: 1, sentBytesPerRank: 1.5 * 64, messages: 4 * 6 });
  });

  test("leave padding alone and put up with data coordinates without samples", async () => {
    const padded = { source: "sequences", samples: [2, 2, 2, 0, 0, 0, 3, 3, 3], channels: 7, positions: 6 };
    const { joined, report } = await run({ mesh: { data: 3, tensor: 3 }, data: padded });
    const { joined: whole } = await run({ mesh: { data: 3 }, data: { ...padded, samples: [2, 0, 3] } });
    for (const [name, coordinates] of Object.entries(joined)) {
      for (const [index, got] of coordinates.entries()) {
        for (const key of ["y", "dx", "dWeight", "dBias"] as const)
          expectClose(got[key], whole[name]![index]![key], 0, tolerance, `${name} ${key}`);
      }
    }
    for (const { numerics } of report.normalizers) expect(numerics.nonFinite).toBe(0);
  });

  test("count a token without spread once, although replicas all know of it", async () => {
    // Hand: 2 samples of 4 positions, all equal to 5: 8 tokens.
    const constant = { source: "gaussian", samples: 2, channels: 7, positions: 4, mean: 5, std: 1e-30 };
    const { report } = await run({ mesh: { tensor: 4 }, data: constant });
    const layerNorms = report.normalizers.filter(({ type }) => type === "layer-norm");
    expect(layerNorms.map(({ numerics }) => numerics.constantSets)).toEqual([8, 8, 8]);
  });

  for (const tensorParallel of ["replicated", "sequence-parallel"]) {
    test(`have ranks that do not depend on each other: ${tensorParallel}`, async () => {
      // Table test 37: the Jacobian of y and dx across ranks is 0.
      const entry = { type: "layer-norm", tensorParallel };
      const { dependency } = await findEvidence({ name: "LN", entry }, { data: 1, tensor: 3, sequence: 1 });
      const identity = [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ];
      expect(dependency).toEqual({ forward: identity, backward: identity });
    });
  }
});

test("the forms, their gradients included, do not depend on threads", async () => {
  const fields = { mesh: { data: 2, tensor: 3 }, data, normalizers: inEveryForm };
  const figures = ({ normalizers }: Report) =>
    normalizers.map(({ communication: { wallSeconds: _, ...communication }, ...rest }) => ({
      ...rest,
      communication,
    }));
  const inProcess = await simulate(scenarioFrom(fields));
  const threaded = await simulate(scenarioFrom(fields), { host: piscinaHost(), threads: 3 });
  expect(figures(threaded)).toEqual(figures(inProcess));
});

describe("gradient faults of sequence parallelism", () => {
  const mesh = { tensor: 4 };
  const entry = { type: "layer-norm", tensorParallel: "sequence-parallel", weight, bias };
  const normalizers = [
    { ...entry, name: "summed" },
    { ...entry, name: "missing", fault: "missing-gradient-all-reduce" },
    { ...entry, name: "averaged", fault: "averaged-gradient-all-reduce" },
  ];

  test("a missing all-reduce leaves every rank the gradient of its own tokens", async () => {
    const { ranks, named } = await run({ mesh, normalizers });
    const { dWeight } = ranks.summed![0]!;
    const partial = ranks.missing!.map((rank) => rank.dWeight);
    const total = partial.reduce((sum, part) => sum.map((value, c) => value + part[c]!));
    expectClose(total, dWeight, 0, tolerance);
    const { norms, disagreement, error } = named.missing!.weightGradients!;
    expectClose(
      norms,
      partial.map((part) => Math.hypot(...part)),
      tolerance,
      0,
    );
    expect(new Set(norms).size).toBe(4);
    // By hand, from what the ranks hold: distances over the norm of the sum.
    const all = ranks.missing!.map((rank) => [...rank.dWeight, ...rank.dBias]);
    const right = all.reduce((sum, part) => sum.map((value, c) => value + part[c]!));
    const apart = (a: number[], b: number[]) =>
      Math.hypot(...a.map((value, c) => value - b[c]!)) / Math.hypot(...right);
    const pairs = all.flatMap((a) => all.map((b) => apart(a, b)));
    expectClose([disagreement], [Math.max(...pairs)], tolerance, 0);
    expectClose([error], [Math.max(...all.map((part) => apart(part, right)))], tolerance, 0);
    expect(named.missing!.communication.total.messages).toBe(0);
    expect(named.missing!.divergence.outputMse.max).toBe(0);
  });

  test("an average is off by 1 − 1/T, and no rank differs from another", async () => {
    const { ranks, named } = await run({ mesh, normalizers });
    expect(named.averaged!.weightGradients!.disagreement).toBe(0);
    expectClose([named.averaged!.weightGradients!.error], [1 - 1 / 4], 0, tolerance);
    const quarter = ranks.summed![0]!.dWeight.map((value) => value / 4);
    expect(ranks.averaged![2]!.dWeight).toEqual(quarter);
  });

  test("are named in the finding and in the notes, with where they were seen", async () => {
    const { report } = await run({ mesh, normalizers });
    expect(findingOf(report)).toMatch(
      /missing shows missing-gradient-all-reduce: weight gradients differ by/,
    );
    expect(findingOf(report)).toMatch(
      /averaged-gradient-all-reduce: weight gradients agree, and are 75 % off/,
    );
    expect(warningsOf(report).join("\n")).toMatch(
      /missing: .*Megatron-LM #443[\s\S]*averaged: .*GPT-NeoX #1259/,
    );
  });
});

describe("statistics of one rank's own channels", () => {
  const normalizers = [
    { name: "LN", type: "layer-norm", fault: "rank-local-statistics" },
    { name: "RMS", type: "rms-norm", fault: "rank-local-statistics" },
  ];

  test("normalise each shard as if it were all of the token", async () => {
    const { ranks } = await run({ mesh: { tensor: 3 }, normalizers });
    for (const [name, type, epsilon] of [
      ["LN", "layer-norm", 1e-5],
      ["RMS", "rms-norm", 2 ** -52],
    ] as const) {
      for (const { y, views } of ranks[name]!) {
        const { extent, x, dy } = views;
        const ones = new Array<number>(extent.channels).fill(1);
        const input = {
          x: Array.from(x),
          dy: Array.from(dy),
          mask: null,
          weight: ones,
          bias: ones.map(() => 0),
        };
        expectClose(y, references[type]({ ...extent, ...input, epsilon }).y, 0, tolerance, name);
      }
    }
  });

  test("are as far off as over that many channels sampling explains: LayerNorm's closed form", async () => {
    // 4000 tokens of 4 parts: the sampling error of the mean square is far below 5 %.
    const iid = { source: "gaussian", samples: 4, channels: 32, positions: 1000 };
    const { named, report } = await run({ mesh: { tensor: 4 }, data: iid, normalizers });
    const { outputMse, meanGap } = named.LN!.divergence;
    expectClose([outputMse.mean!, meanGap.mean!], [outputMse.expected!, meanGap.expected!], 0.05, 0);
    expect(outputMse.expected).toBeGreaterThan(0.01);
    expect(named.RMS!.divergence.outputMse.expected).toBeNull();
    expect(findingOf(report)).toMatch(/RMS shows rank-local-statistics: its outputs are .* off/);
    expect(named.LN!.communication.total.messages).toBe(0);
  });

  test("have no closed form where shards are of unequal width", async () => {
    const data = { source: "gaussian", samples: 2, channels: 7 };
    const { named } = await run({ mesh: { tensor: 2 }, data, normalizers });
    expect(named.LN!.divergence.outputMse.expected).toBeNull();
  });
});
