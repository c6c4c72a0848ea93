import type { RankViews } from "../../src/engine/arena-views.ts";
import { simulate } from "../../src/simulate.ts";
import { scenarioFrom } from "./scenario.ts";

/** Float64 input: per rank x and dy, [N, C, ...positions]; dy is drawn where it is absent. */
export interface Batches {
  readonly channels: number;
  readonly positions?: number;
  readonly x: readonly ArrayLike<number>[];
  readonly dy?: readonly ArrayLike<number>[];
}

/** Run normalisers over given batches for one training step; what `keep` takes of each rank, by normaliser's name. */
export async function runBatches<T>(
  { channels, positions = 1, x, dy }: Batches,
  normalizers: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[],
  keep: (rank: RankViews) => T,
): Promise<Record<string, T[]>> {
  const kept: Record<string, T[]> = {};
  const files = x.map((_, rank) => `rank${rank}.npy`);
  const scenario = scenarioFrom({ mesh: { data: x.length }, data: { source: "npy", files }, normalizers });
  await simulate(scenario, {
    batches: {
      samples: x.map(({ length }) => length / channels / positions),
      channels,
      positionExtents: [positions],
      storage: "float64",
      x: x.map((values) => Float64Array.from(values)),
      dy: dy === undefined ? null : dy.map((values) => Float64Array.from(values)),
      mask: null,
    },
    onPass({ normalizer, ranks }) {
      kept[scenario.normalizers[normalizer]!.name] = ranks.map(keep);
    },
  });
  return kept;
}
