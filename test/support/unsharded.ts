import type { RankViews } from "../../src/engine/arena-views.ts";
import type { FloatArray } from "../../src/kernels/kernels.ts";
import { coordinatesOf, type Layout } from "../../src/scenario/mesh.ts";
import type { Mesh } from "../../src/scenario/scenario.ts";

/** What a data coordinate's ranks hold between them: [N, C, L] of all channels and positions. */
export interface JoinedRank {
  readonly samples: number;
  readonly x: number[];
  readonly dy: number[];
  readonly y: number[];
  readonly dx: number[];
  /** Of the first tensor rank of each sequence rank: tensor ranks hold the same tokens. */
  readonly mask: number[] | null;
  /** Summed over sequence ranks, in order; of the first tensor rank where a layout does not cut channels. */
  readonly dWeight: number[];
  readonly dBias: number[];
}

/** The shards of every data coordinate side by side. */
export function unsharded(mesh: Mesh, ranks: readonly RankViews[], layout: Layout = "sharded"): JoinedRank[] {
  return Array.from({ length: mesh.data }, (_, data) => {
    const own = ranks.filter((_, rank) => coordinatesOf(mesh, rank).data === data);
    const firsts = own.filter((_, index) => index % mesh.tensor === 0).map((rank) => [rank]);
    if (layout === "replicated") return joined(firsts, firsts);
    if (layout === "sequence-parallel")
      return joined(
        own.map((rank) => [rank]),
        firsts,
      );
    const rows = firsts.map((_, s) => own.slice(s * mesh.tensor, (s + 1) * mesh.tensor));
    return joined(rows, rows);
  });
}

/**
 * @param rows per block of positions, the ranks that hold its channels.
 * @param gradientRows those of them whose gradients add up.
 */
function joined(
  rows: readonly (readonly RankViews[])[],
  gradientRows: readonly (readonly RankViews[])[],
): JoinedRank {
  const [first] = rows[0] as [RankViews];
  const { samples } = first.extent;
  const full = (of: (rank: RankViews) => FloatArray): number[] => {
    const values: number[] = [];
    for (let n = 0; n < samples; n++) {
      for (const [t, { extent }] of rows[0]!.entries()) {
        for (let c = 0; c < extent.channels; c++) {
          for (const row of rows) {
            const { channels, positions } = row[t]!.extent;
            const start = (n * channels + c) * positions;
            values.push(...of(row[t]!).subarray(start, start + positions));
          }
        }
      }
    }
    return values;
  };
  const perChannel = (of: (rank: RankViews) => Float64Array): number[] =>
    gradientRows
      .map((row) => row.flatMap((rank) => Array.from(of(rank))))
      .reduce((sum, part) => sum.map((value, c) => value + part[c]!));
  return {
    samples,
    x: full(({ x }) => x),
    dy: full(({ dy }) => dy),
    y: full(({ y }) => y),
    dx: full(({ dx }) => dx),
    mask:
      first.mask === null
        ? null
        : Array.from({ length: samples }, (_, n) =>
            rows.flatMap((row) => {
              const { mask, extent } = row[0]!;
              return Array.from(mask!.subarray(n * extent.positions, (n + 1) * extent.positions));
            }),
          ).flat(),
    dWeight: perChannel(({ dWeight }) => dWeight),
    dBias: perChannel(({ dBias }) => dBias),
  };
}
