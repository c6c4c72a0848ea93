import { describe, expect, test } from "vitest";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: central differences of L = Σ dy·y over all ranks, dy held, through the engine and its collectives, in
// float64 with h = 1e-6. They err by h²·L‴/6 ~ 1e-12·L‴ and by the roundings of L over h: 2^-53·Σ|dy·y|/h for the
// terms, and as much again for adding them up, where few errors meet at full size.
// PowerNorm is missing here on purpose: its authors' dx is no derivative of y, so that differences rightly disagree;
// recurrent.test.ts says what it is and holds it against their formulas. Where batch renorm or MABN correct without
// clipping, dx takes the correction as a constant: the slow references of both do the same.
const h = 1e-6;
const toleranceOf = (magnitude: number): number => 1e-9 + (2 * 2 ** -53 * magnitude) / h;

interface Subject {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** x is moved in the last of so many steps. */
  readonly trainingSteps?: number;
}

const anywhere: readonly Subject[] = [
  { name: "batch norm of a rank", spec: { type: "batch-norm", group: "rank" } },
  { name: "batch norm of the world", spec: { type: "batch-norm", group: "world" } },
  { name: "layer norm", spec: { type: "layer-norm" } },
  { name: "RMS norm", spec: { type: "rms-norm", epsilon: 0.1 } },
  // Until the first window is full, and with a window of one, MABN's averages are of this batch.
  { name: "MABN in its first window", spec: { type: "mabn", group: "world", window: 4 }, trainingSteps: 2 },
  { name: "MABN of window 1", spec: { type: "mabn", window: 1, warmUp: 0 }, trainingSteps: 3 },
  // Data of mean 6 and std 5 against a running mean square of 1: the ratio is clipped at 5.
  { name: "MABN, clipped", spec: { type: "mabn", group: "world", window: 1, warmUp: 0, renormAfter: 0 } },
];
const onData: readonly Subject[] = [
  {
    name: "batch norm by moments",
    spec: { type: "batch-norm", group: 2, implementation: "all-reduce-moments" },
  },
  {
    name: "batch norm of listed ranks",
    spec: {
      type: "batch-norm",
      group: [
        [0, 2],
        [1, 3],
      ],
    },
  },
  { name: "ghost batch norm", spec: { type: "batch-norm", virtualBatch: 2 } },
  { name: "group norm", spec: { type: "group-norm", groups: 2 } },
  { name: "instance norm", spec: { type: "instance-norm" } },
  // Both corrections are clipped (the same data against 0 and 1), so that no gradient is stopped.
  {
    name: "clipped batch renorm",
    spec: { type: "batch-renorm", group: "world", rMax: 1.2, dMax: 0.3 },
    trainingSteps: 2,
  },
];
const meshes = [
  { data: 4 },
  { data: 2, tensor: 2 },
  { data: 2, sequence: 2 },
  { data: 1, tensor: 2, sequence: 2 },
];

for (const mesh of meshes) {
  describe(`dx is the derivative of y on ${JSON.stringify(mesh)}`, () => {
    for (const subject of mesh.data === 4 ? [...anywhere, ...onData] : anywhere)
      for (const masked of [false, true])
        test(`of ${subject.name}${masked ? ", with padding" : ""}`, async () => {
          const { measured, dx, magnitude } = await differences(subject, mesh, masked);
          expect(dx.some((value) => Math.abs(value) > 1e-3)).toBe(true);
          expectClose(measured, dx, 0, toleranceOf(magnitude));
        });
  });
}

/** Every 17th element of every rank: the difference quotient of L, and dx; and Σ|dy·y|. */
async function differences(
  { spec, trainingSteps = 1 }: Subject,
  mesh: Record<string, number>,
  masked: boolean,
): Promise<{ measured: number[]; dx: number[]; magnitude: number }> {
  const shape = { samples: 3, channels: 4, positions: 4, mean: 6, std: 5 };
  const data = masked
    ? { ...shape, source: "sequences", minLength: 2 }
    : { ...shape, source: "gaussian", positions: [4] };
  const worldSize = Object.values(mesh).reduce((product, ways) => product * ways, 1);
  const perRank = (shape.samples * shape.channels * shape.positions * (mesh.data ?? 1)) / worldSize;
  const places = Array.from({ length: worldSize }, (_, rank) => rank).flatMap((rank) =>
    Array.from({ length: Math.ceil(perRank / 17) }, (_, i) => ({ rank, at: 17 * i })),
  );
  // Pass 0 leaves x alone; passes 2k + 1 and 2k + 2 move place k up and down.
  const moves = places.flatMap((place) => [h, -h].map((by) => ({ ...place, by })));
  const common = { epsilon: 0.1, weight: [1.5, -0.5, 2, 1], bias: [0.5, 0, -1, 2], ...spec };
  const normalizers = [null, ...moves].map((_, pass) => ({ ...common, name: `${pass}` }));
  const scenario = scenarioFrom({ mesh, data, normalizers, trainingSteps, storage: "float64" });
  const losses: number[] = [];
  let dx: number[] = [];
  let magnitude = 0;
  let undo = (): void => {};
  await simulate(scenario, {
    onPass({ ranks, normalizer, trainingStep }) {
      undo();
      undo = () => {};
      if (trainingStep < trainingSteps - 1) return;
      const terms = ranks.flatMap(({ y, dy }) => Array.from(y, (value, at) => value * dy[at]!));
      losses.push(sumOf(terms));
      if (normalizer === 0) magnitude = sumOf(terms.map(Math.abs));
      if (normalizer === 0) dx = places.map(({ rank, at }) => ranks[rank]!.dx[at]!);
      const next = moves[normalizer];
      if (next === undefined) return;
      const { x } = ranks[next.rank]!;
      const before = x[next.at]!;
      x[next.at] = before + next.by;
      undo = () => {
        x[next.at] = before;
      };
    },
  });
  const measured = places.map((_, k) => (losses[2 * k + 1]! - losses[2 * k + 2]!) / (2 * h));
  return { measured, dx, magnitude };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
