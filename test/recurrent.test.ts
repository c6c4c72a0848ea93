import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RankViews } from "../src/engine/arena-views.ts";
import { metrics } from "../src/engine/divergence-log.ts";
import { findingOf } from "../src/report/finding.ts";
import { overviewOf } from "../src/report/overview.ts";
import type { Report } from "../src/report/report.ts";
import { warningsOf } from "../src/report/warnings.ts";
import type { RecurrentSpec } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import type { RankInput, RankOutcome } from "./support/normalizer-case.ts";
import { expectRecurrent, recurrentReference } from "./support/recurrent-reference.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";
import { wave } from "./support/wave.ts";

// Oracles: NumPy 1.24.2 by test/golden/recurrent.py; closed forms and invariants, each said where it is used.

interface GoldenCase {
  readonly spec: RecurrentSpec & { readonly group: readonly (readonly number[])[] };
  readonly channels: number;
  readonly positions: number;
  readonly steps: readonly {
    readonly ranks: readonly (RankInput & RankOutcome)[];
    /** Per group, per channel. */
    readonly running: readonly (readonly number[])[];
  }[];
}

const golden: readonly GoldenCase[] = JSON.parse(
  readFileSync(new URL("golden/recurrent.json", import.meta.url), "utf8"),
);

interface Step {
  readonly ranks: readonly RankOutcome[];
  /** Per rank. */
  readonly running: readonly number[][];
}

/** Run one normaliser over given steps of every rank; what each step left. */
async function run(
  spec: Record<string, unknown>,
  steps: readonly (readonly RankInput[])[],
  channels: number,
  positions: number,
  storage: "float32" | "float64" = "float64",
): Promise<{ steps: Step[]; report: Report }> {
  const [first] = steps as [readonly RankInput[]];
  const stored = (values: readonly number[]) =>
    storage === "float32" ? Float32Array.from(values) : Float64Array.from(values);
  const scenario = scenarioFrom({
    mesh: { data: first.length },
    data: { source: "npy", files: first.map((_, rank) => `rank${rank}.npy`) },
    normalizers: [spec],
    trainingSteps: steps.length,
  });
  const done: Step[] = [];
  const report = await simulate(scenario, {
    batches: {
      samples: first.map(({ samples }) => samples),
      channels,
      positionExtents: [positions],
      storage,
      x: first.map(({ x }) => stored(x)),
      dy: first.map(({ dy }) => stored(dy)),
      mask: first[0]!.mask === null ? null : first.map(({ mask }) => Uint8Array.from(mask!)),
    },
    onPass({ ranks, trainingStep }) {
      done.push({
        ranks: ranks.map(outcomeOf),
        running: ranks.map(({ runningVariance }) => Array.from(runningVariance[0]!)),
      });
      for (const [rank, next] of (steps[trainingStep + 1] ?? []).entries()) {
        ranks[rank]!.x.set(next.x);
        ranks[rank]!.dy.set(next.dy);
        ranks[rank]!.mask?.set(next.mask!);
      }
    },
  });
  return { steps: done, report };
}

const outcomeOf = ({ y, dx, dWeight, dBias }: RankViews): RankOutcome => {
  return { y: y.slice(), dx: dx.slice(), dWeight: dWeight.slice(), dBias: dBias.slice() };
};

for (const { spec, channels, positions, steps } of golden) {
  const inputs = steps.map(({ ranks }) => ranks);

  test(`the slow reference of ${spec.type} is NumPy's: ${spec.name}`, () => {
    for (const [index, group] of spec.group.entries()) {
      const reference = recurrentReference(spec, channels, positions);
      for (const { ranks, running } of steps) {
        const members = group.map((rank) => ranks[rank]!);
        const outcome = reference(members);
        expectRecurrent(members, outcome, spec, members, "float64");
        expectClose(outcome.running, running[index]!, 1e-13, 0, "running");
      }
    }
  });

  for (const storage of ["float64", "float32"] as const) {
    test(`${spec.type} of ${spec.name} in ${storage} is NumPy's in every step`, async () => {
      const got = await run({ ...spec }, inputs, channels, positions, storage);
      for (const [index, group] of spec.group.entries()) {
        const reference = recurrentReference(spec, channels, positions);
        for (const [step, { ranks, running }] of steps.entries()) {
          const members = group.map((rank) => ranks[rank]!);
          const { largest } = reference(members);
          const want = { ranks: members, running: running[index]!, largest };
          const { ranks: outcomes, running: kept } = got.steps[step]!;
          expectRecurrent(
            group.map((rank) => outcomes[rank]!),
            want,
            spec,
            members,
            storage,
          );
          for (const rank of group)
            expectClose(kept[rank]!, want.running, storage === "float64" ? 1e-13 : 1e-6, 0, "running");
        }
      }
    });
  }
}

/** One rank of float64 values without structure. */
function rankOf(samples: number, channels: number, positions: number, seed: number): RankInput {
  const count = samples * channels * positions;
  const x = wave(count, seed).map((value, i) => 0.5 + value * (1 + (i % channels)));
  return { samples, x, dy: wave(count, seed + 100), mask: null };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("PowerNorm's gradient", () => {
  const batch = rankOf(5, 2, 3, 1);
  const weight = [1.5, -0.5];
  const spec = { type: "power-norm", name: "PN", weight, epsilon: 1e-5 };
  const channelOf = (at: number): number => Math.floor(at / 3) % 2;
  const meanSquares = [0, 1].map((c) => {
    const own = batch.x.filter((_, at) => channelOf(at) === c);
    return sumOf(own.map((x) => x * x)) / own.length;
  });

  test("takes the mean square as a constant in the first step: dx = dy·γ/√(φ + ε)", async () => {
    // Closed form, as y is linear in x then: a few roundings.
    const { steps } = await run(spec, [[batch]], 2, 3);
    const want = batch.dy.map((dy, at) => {
      const c = channelOf(at);
      return (dy * weight[c]!) / Math.sqrt(meanSquares[c]! + 1e-5);
    });
    expectClose(steps[0]!.ranks[0]!.dx, want, 1e-14, 0);
  });

  for (const { momentumBackward, repeats } of [
    { momentumBackward: 1, repeats: 2 },
    // What is left shrinks by 1 − momentumBackward a step: 0.9^350 is 1e-16.
    { momentumBackward: 0.1, repeats: 350 },
  ]) {
    test(`settles at the derivative through the mean square where batches repeat: momentumBackward ${momentumBackward}`, async () => {
      // Closed form at ε = 0: dx = (g − z·mean(g·z))/√φ, RMSNorm's over the batch.
      const fields = { ...spec, epsilon: 0, momentumBackward };
      const { steps } = await run(fields, Array(repeats).fill([batch]), 2, 3);
      const z = batch.x.map((x, at) => x / Math.sqrt(meanSquares[channelOf(at)]!));
      const g = batch.dy.map((dy, at) => dy * weight[channelOf(at)]!);
      const means = [0, 1].map(
        (c) => sumOf(z.map((value, at) => (channelOf(at) === c ? value * g[at]! : 0))) / 15,
      );
      const want = z.map((value, at) => {
        const c = channelOf(at);
        return (g[at]! - value * means[c]!) / Math.sqrt(meanSquares[c]!);
      });
      expectClose(steps.at(-1)!.ranks[0]!.dx, want, 0, 1e-14);
    });
  }
});

test("MABN corrects by at most 5 and at least 1/5", async () => {
  // Hand: std over running std is 100/1 and 0.01/1 in the first step, and ε = 0: y is 5 and 1/5 times the sign.
  const rank = { samples: 2, x: [100, 0.01, -100, 0.01], dy: [1, 1, 1, 1], mask: null };
  const spec = { type: "mabn", window: 1, warmUp: 0, renormAfter: 0, epsilon: 0 };
  const { steps } = await run(spec, [[rank]], 2, 1);
  expectClose(steps[0]!.ranks[0]!.y, [5, 0.2, -5, 0.2], 1e-15, 0);
});

const recurrent = [
  { name: "PN", type: "power-norm", warmUp: 2, weight: [1.5, -0.5, 2] },
  { name: "MABN", type: "mabn", window: 2, warmUp: 0, renormAfter: 1, momentum: 0.5, weight: [1.5, -0.5, 2] },
] as const;

/** Five steps of uneven ranks, one of them empty. */
const steps = Array.from({ length: 5 }, (_, step) =>
  [3, 0, 2, 4].map((samples, rank) => rankOf(samples, 3, 2, 10 * step + rank)),
);

for (const spec of recurrent) {
  describe(spec.type, () => {
    test("of the world is that of the batch on one rank, and agrees with the whole batch", async () => {
      const one = steps.map((ranks): RankInput[] => [
        {
          samples: 9,
          x: ranks.flatMap(({ x }) => x),
          dy: ranks.flatMap(({ dy }) => dy),
          mask: null,
        },
      ]);
      const alone = await run(spec, one, 3, 2);
      const world = await run({ ...spec, group: "world" }, steps, 3, 2);
      for (const [step, { ranks, running }] of world.steps.entries()) {
        const [whole] = alone.steps[step]!.ranks as [RankOutcome];
        // Sums of 18 values of order 10 in another order.
        for (const key of ["y", "dx"] as const)
          expectClose(
            ranks.flatMap((rank) => Array.from(rank[key])),
            whole[key],
            0,
            1e-13,
            key,
          );
        for (const key of ["dWeight", "dBias"] as const) {
          const total = [0, 1, 2].map((c) => sumOf(ranks.map((rank) => rank[key][c]!)));
          expectClose(total, whole[key], 0, 1e-13, key);
        }
        for (const kept of running) expectClose(kept, alone.steps[step]!.running[0]!, 1e-14, 0, "running");
      }
      const { divergence } = world.report.normalizers[0]!;
      // Squares of such roundings, and expected exactly.
      expect(divergence.outputMse.max).toBeLessThan(1e-26);
      expect(divergence.gradientCosine.min).toBeGreaterThan(1 - 1e-14);
      expect([divergence.outputMse.expected, divergence.gradientCosine.expected]).toEqual([0, 1]);
    });

    test("of one rank differs from the whole batch, which has no closed form", async () => {
      const { divergence } = (await run(spec, steps, 3, 2)).report.normalizers[0]!;
      expect(divergence.outputMse.min).toBeGreaterThan(1e-6);
      expect(divergence.logVarianceRatio.max).toBeGreaterThan(1e-3);
      // Nothing is centred, so that means do not differ.
      for (const metric of metrics) {
        const isMean = metric === "meanGap" || metric === "betweenRankShare";
        expect(divergence[metric].expected, metric).toBe(isMean ? 0 : null);
        if (isMean) expect(divergence[metric].max).toBe(0);
      }
    });

    test("of a group sends Σx² and a count, then Σdy·x", async () => {
      // Closed form: a ring of 4 moves 2·3·4 messages, each rank 2·3/4 of a payload that 4 divides.
      const wide = [[1, 1, 1, 1].map((samples, rank) => rankOf(samples, 7, 1, rank))];
      const spread = { ...spec, weight: 1, group: "world" };
      const { report } = await run(spread, wide, 7, 1);
      const { forward, backward, total } = report.normalizers[0]!.communication;
      expect(forward).toMatchObject({ collectives: 1, messages: 24, payloadBytesPerRank: 8 * 8 });
      expect(forward.sentBytesPerRank).toBe(1.5 * 8 * 8);
      expect(backward).toMatchObject({ collectives: 1, messages: 24, payloadBytesPerRank: 7 * 8 });
      expect(total.collectives).toBe(2);
      expect(report.normalizers[0]!.implementation).toBe(null);
      expect(overviewOf(report).rows[0]!.slice(0, 2)).toEqual([spec.name, "4 ranks"]);
      expect(findingOf(report)).toContain("agrees with the whole batch and pays");
    });

    test("takes a step of padding alone for none", async () => {
      // Oracle: invariant. Warm-up, window and averages count the steps that have values.
      const masked = (step: number, valid: 0 | 1): RankInput[] => [
        { ...rankOf(3, 3, 2, step), mask: Array<number>(6).fill(valid) },
      ];
      const [a, b, c] = [1, 2, 3].map((step) => masked(step, 1)) as [RankInput[], RankInput[], RankInput[]];
      const without = await run(spec, [a, b, c], 3, 2);
      const padding = masked(4, 0);
      const among = await run(spec, [a, padding, b, padding, c], 3, 2);
      for (const [at, step] of [0, 2, 4].entries()) expect(among.steps[step]).toEqual(without.steps[at]);
      expect(among.steps[1]!.running).toEqual(without.steps[0]!.running);
    });

    test("of one value a channel is no degenerate case", async () => {
      // Hand: x/√(x² + ε) at ε = 0 is the sign, and an all-zero channel stays 0.
      const one = (x: number[]): RankInput => ({ samples: 1, x, dy: [1, 1, 1], mask: null });
      const fields = { ...spec, weight: 1, epsilon: 0 };
      const { steps: done, report } = await run(fields, [[one([3, -0.5, 0])]], 3, 1);
      expect(Array.from(done[0]!.ranks[0]!.y)).toEqual([1, -1, 0]);
      expect(Array.from(done[0]!.ranks[0]!.dx).every(Number.isFinite)).toBe(true);
      expect(report.normalizers[0]!.numerics).toMatchObject({ singleValueGroups: 0, constantSets: 1 });
      expect(warningsOf(report)).toEqual([`${spec.name}: 1 statistic without spread: x̂ is 0 there`]);
    });

    test("of the world is the same where channels and positions are sharded", async () => {
      const data = { source: "gaussian", samples: 2, channels: 3, positions: [5], mean: 1 };
      const joined = async (axes: Record<string, number>) => {
        const mesh = { data: 2, tensor: 1, sequence: 1, ...axes };
        const fields = { mesh, data, storage: "float64", trainingSteps: 4 };
        const kept: JoinedRank[][] = [];
        await simulate(scenarioFrom({ ...fields, normalizers: [{ ...spec, group: "world" }] }), {
          onPass: ({ ranks }) => void kept.push(unsharded(mesh, ranks)),
        });
        return kept.flat();
      };
      const whole = await joined({});
      // Sums of 20 values of order 4, in another order.
      for (const [at, rank] of (await joined({ tensor: 3, sequence: 2 })).entries())
        for (const key of ["y", "dx", "dWeight", "dBias"] as const)
          expectClose(rank[key], whole[at]![key], 0, 1e-13, key);
    });

    test("does not depend on which other normalisers run", async () => {
      const scenario = (normalizers: object[]) =>
        scenarioFrom({
          mesh: { data: 2 },
          data: { source: "gaussian", samples: 2, channels: 3 },
          normalizers,
          trainingSteps: 4,
        });
      const alone = await simulate(scenario([spec]));
      const among = await simulate(scenario([{ type: "batch-norm" }, spec, { ...spec, name: "again" }]));
      expect(among.normalizers[1]).toEqual(alone.normalizers[0]);
      expect({ ...among.normalizers[2], name: spec.name }).toEqual(alone.normalizers[0]);
    });
  });
}
