import { describe, expect, test } from "vitest";
import { formatFault, ScenarioError } from "../src/errors.ts";
import { layoutOf, shardOf } from "../src/scenario/mesh.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { resolveNpySource } from "../src/scenario/npy-source.ts";
import type { Mesh } from "../src/scenario/scenario.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";
import { type JoinedRank, unsharded } from "./support/unsharded.ts";

// Oracle: the same activation in one file per data coordinate.

const channels = 7;
const rows = 6;
const columns = 2;
const samples = [2, 1];
type Files = Record<string, Uint8Array>;

/** [N, C, rows, columns] or, without channels, [N, rows, columns]: one rank's part, value by value from its place in the whole. */
function part(mesh: Mesh, rank: number, value: (place: number[]) => number, isMask = false): Uint8Array {
  const shard = shardOf(mesh, rank, channels, [rows, columns]);
  const data = Math.floor(rank / (mesh.tensor * mesh.sequence));
  const values: number[] = [];
  for (let n = 0; n < samples[data]!; n++) {
    for (let c = 0; c < (isMask ? 1 : shard.channels); c++) {
      for (let l = 0; l < shard.positions; l++)
        values.push(value([data, n, isMask ? 0 : shard.firstChannel + c, shard.firstPosition + l]));
    }
  }
  const positions = [shard.positions / columns, columns];
  const shape = [samples[data]!, ...(isMask ? [] : [shard.channels]), ...positions];
  return encodeNpy(Float64Array.from(values), shape);
}

/** Deterministic values without structure, in [−2, 2]. */
const seeded =
  (seed: number) =>
  (place: number[]): number =>
    2 * Math.sin(place.reduce((code, index) => 31 * code + index, seed) * 12.9898);
const valid = ([data, n, , l]: number[]): number => (l! < 5 + 3 * n! + data! ? 1 : 0);

const normalizers = [
  { type: "layer-norm" },
  { name: "SP", type: "layer-norm", tensorParallel: "sequence-parallel" },
  { name: "replicated", type: "rms-norm", tensorParallel: "replicated" },
  { type: "group-norm", groups: 1 },
  { type: "instance-norm" },
  { type: "batch-norm", group: "world" },
];

async function run(mesh: Mesh, { hasGradients = true, hasMask = true } = {}) {
  const ranks = Array.from({ length: mesh.data * mesh.tensor * mesh.sequence }, (_, rank) => rank);
  const files: Files = {};
  const named = (name: string, of: (rank: number) => Uint8Array): string[] =>
    ranks.map((rank) => {
      files[`${name}${rank}`] = of(rank);
      return `${name}${rank}`;
    });
  const source = {
    source: "npy",
    files: named("x", (rank) => part(mesh, rank, seeded(2))),
    ...(hasGradients && { gradients: named("dy", (rank) => part(mesh, rank, seeded(3))) }),
    ...(hasMask && { mask: named("mask", (rank) => part(mesh, rank, valid, true)) }),
  };
  const scenario = scenarioFrom({ mesh, data: source, normalizers });
  if (scenario.data.source !== "npy") throw new Error("not files");
  const batches = resolveNpySource(scenario.data, "auto", (path) => files[path]!, mesh);
  const kept: JoinedRank[][] = [];
  await simulate(scenario, {
    batches,
    onPass({ normalizer, ranks: views }) {
      kept.push(unsharded(mesh, views, layoutOf(scenario.normalizers[normalizer]!)));
    },
  });
  return { kept, batches };
}

describe("files of a mesh", () => {
  const data = { data: 2, tensor: 1, sequence: 1 };
  for (const axes of [{ tensor: 3 }, { sequence: 2 }, { tensor: 2, sequence: 2 }]) {
    for (const options of [{}, { hasMask: false }, { hasGradients: false }]) {
      test(`are the shards of one activation: ${JSON.stringify({ ...axes, ...options })}`, async () => {
        const { kept, batches } = await run({ ...data, ...axes }, options);
        const { kept: whole } = await run(data, options);
        expect(batches).toMatchObject({ channels, positionExtents: [rows, columns] });
        for (const [index, coordinates] of kept.entries()) {
          for (const [at, got] of coordinates.entries()) {
            // Up to 84 values of order 1 in another order: 84 · 1.1e-16, times κ below 10.
            for (const key of ["x", "dy", "y", "dx", "dWeight", "dBias"] as const)
              expectClose(got[key], whole[index]![at]![key], 0, 1e-13, `${normalizers[index]!.type} ${key}`);
          }
        }
      });
    }
  }
});

describe("faults of files of a mesh", () => {
  const files = (shapes: number[][]): Files =>
    Object.fromEntries(
      shapes.map((shape, rank) => {
        const count = shape.reduce((product, extent) => product * extent, 1);
        return [`x${rank}`, encodeNpy(new Float64Array(count).fill(1), shape)];
      }),
    );
  const faultsOf = (mesh: Mesh, shapes: number[][], more: Files = {}, mask?: string[]): string[] => {
    const known = { ...files(shapes), ...more };
    const source = {
      source: "npy",
      files: shapes.map((_, rank) => `x${rank}`),
      ...(mask && { mask }),
    } as const;
    try {
      resolveNpySource(source, "auto", (path) => known[path]!, mesh);
    } catch (error) {
      if (error instanceof ScenarioError) return error.faults.map(formatFault);
      throw error;
    }
    return [];
  };

  test("name the shard that a rank should have, and samples that differ inside a data coordinate", () => {
    // Hand: 5 channels over 2 ranks are 2 and 3.
    const mesh = { data: 2, tensor: 2, sequence: 1 };
    expect(
      faultsOf(mesh, [
        [1, 3, 4],
        [1, 2, 4],
        [2, 2, 4],
        [1, 3, 4],
      ]),
    ).toEqual([
      "x0: expected [1, 2, 4], rank 0's shard of [N, 5, 4] with the samples of x0, got [1, 3, 4]",
      "x1: expected [1, 3, 4], rank 1's shard of [N, 5, 4] with the samples of x0, got [1, 2, 4]",
      "x3: expected [2, 3, 4], rank 3's shard of [N, 5, 4] with the samples of x2, got [1, 3, 4]",
    ]);
  });

  test("ask for a position axis where sequence ranks spread it", () => {
    const mesh = { data: 1, tensor: 1, sequence: 2 };
    const fault = "expected a position axis, which mesh.sequence spreads over ranks, got shape [2, 3]";
    expect(
      faultsOf(mesh, [
        [2, 3],
        [2, 3],
      ]),
    ).toEqual([`x0: ${fault}`, `x1: ${fault}`]);
  });

  test("ask tensor ranks for the same mask", () => {
    const mesh = { data: 1, tensor: 2, sequence: 1 };
    const masks = {
      m0: encodeNpy(Float64Array.of(1, 0), [1, 2]),
      m1: encodeNpy(Float64Array.of(1, 1), [1, 2]),
    };
    expect(
      faultsOf(
        mesh,
        [
          [1, 1, 2],
          [1, 1, 2],
        ],
        masks,
        ["m0", "m1"],
      ),
    ).toEqual(["m1: expected the valid positions of m0, which is of the same tokens"]);
  });

  test("leave room for a sequence-parallel layout", async () => {
    const mesh = { data: 1, tensor: 4, sequence: 1 };
    const shapes = [
      [1, 1, 3],
      [1, 1, 3],
      [1, 1, 3],
      [1, 1, 3],
    ];
    const data = { source: "npy" as const, files: shapes.map((_, rank) => `x${rank}`) };
    const scenario = scenarioFrom({ mesh, data, normalizers: [normalizers[1]!] });
    const batches = resolveNpySource(data, "auto", (path) => files(shapes)[path]!, mesh);
    await expect(simulate(scenario, { batches })).rejects.toThrow(
      /normalizers\[0\]\.tensorParallel: expected a first position axis of at least 4.* got 3/,
    );
  });
});
