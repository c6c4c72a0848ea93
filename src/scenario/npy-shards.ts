import { coordinatesOf, shardOf } from "./mesh.ts";
import type { NpyArray } from "./npy.ts";
import type { Mesh } from "./scenario.ts";

/** The arrays of all ranks as the shards of one activation per data coordinate. */
export interface NpyShards {
  readonly mesh: Mesh;
  /** C and positions, from `wholeShape`. */
  readonly whole: readonly number[];
  /** One array per rank; undefined where there is something wrong with it already. */
  readonly shards: readonly (NpyArray | undefined)[];
  readonly files: readonly string[];
}

/**
 * C and positions of the whole activation: channels add up over the first tensor ranks, rows over the first
 * sequence ranks. Undefined if one of these ranks has no sound array.
 */
export function wholeShape(
  shards: readonly (NpyArray | undefined)[],
  { tensor, sequence }: Mesh,
): number[] | undefined {
  const total = (count: number, stride: number, axis: number): number =>
    Array.from({ length: count }, (_, i) => shards[i * stride])
      .map((array) => (array === undefined ? Number.NaN : (array.shape[axis] ?? 1)))
      .reduce((sum, extent) => sum + extent);
  const first = shards.find((array) => array !== undefined);
  if (first === undefined) return undefined;
  const [, channels = 1, outer, ...inner] = first.shape;
  const whole = [
    tensor === 1 ? channels : total(tensor, 1, 1),
    ...(outer === undefined ? [] : [sequence === 1 ? outer : total(sequence, tensor, 2)]),
    ...inner,
  ];
  return whole.some(Number.isNaN) ? undefined : whole;
}

/** A rank's x is its shard of the whole, of the same samples as its data coordinate's first rank has. */
export function shardObjection(
  { shape }: NpyArray,
  rank: number,
  { mesh, whole, shards, files }: NpyShards,
): string | undefined {
  const [channels = 1, ...positionExtents] = whole;
  if (positionExtents.length === 0 && mesh.sequence > 1)
    return `expected a position axis, which mesh.sequence spreads over ranks, got shape [${shape.join(", ")}]`;
  const [, ...inner] = positionExtents;
  const shard = shardOf(mesh, rank, channels, positionExtents);
  const rows = shard.positions / inner.reduce((product, extent) => product * extent, 1);
  const first = coordinatesOf(mesh, rank).data * mesh.tensor * mesh.sequence;
  const samples = shards[first]?.shape[0] ?? shape[0]!;
  const want = `[${[samples, shard.channels, ...(positionExtents.length === 0 ? [] : [rows, ...inner])].join(", ")}]`;
  const got = `[${shape.join(", ")}]`;
  if (want === got) return undefined;
  return `expected ${want}, rank ${rank}'s shard of [N, ${whole.join(", ")}] with the samples of ${files[first]}, got ${got}`;
}

/** Tensor ranks hold the same tokens: a mask is that of the first of them, if that is known. */
export function sameMaskObjection(
  mask: NpyArray,
  first: NpyArray | undefined,
  firstFile: string,
): string | undefined {
  if (first === undefined || mask.data.length !== first.data.length) return undefined;
  const isSame = mask.data.every((value, index) => (value === 0) === (first.data[index] === 0));
  return isSame ? undefined : `expected the valid positions of ${firstFile}, which is of the same tokens`;
}
