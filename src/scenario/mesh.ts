import type { Mesh } from "./scenario.ts";

/** The largest world. */
export const maxRanks = 1024;

/** Where a rank stands on each axis of the mesh, counted from 0. */
export type Coordinates = Mesh;

/** The part of the channels and positions of [N, C, L] that a rank holds: [first, first + count) of each. */
export interface Shard {
  readonly firstChannel: number;
  readonly channels: number;
  readonly firstPosition: number;
  readonly positions: number;
}

/** Rank order: rank = (data · sequence + sequenceIndex) · tensor + tensorIndex, so that tensor is fastest. */
export function coordinatesOf(mesh: Mesh, rank: number): Coordinates {
  const outer = Math.floor(rank / mesh.tensor);
  return {
    data: Math.floor(outer / mesh.sequence),
    sequence: outer % mesh.sequence,
    tensor: rank % mesh.tensor,
  };
}

/**
 * What a rank holds: tensor ranks split the channels and sequence ranks the first position axis, into
 * consecutive blocks that differ by at most one.
 */
export function shardOf(
  mesh: Mesh,
  rank: number,
  channels: number,
  positionExtents: readonly number[],
): Shard {
  const at = coordinatesOf(mesh, rank);
  const firstChannel = blockStart(at.tensor, mesh.tensor, channels);
  const [outer = 1, ...inner] = positionExtents;
  const positionsPerRow = inner.reduce((product, extent) => product * extent, 1);
  const firstRow = blockStart(at.sequence, mesh.sequence, outer);
  return {
    firstChannel,
    channels: blockStart(at.tensor + 1, mesh.tensor, channels) - firstChannel,
    firstPosition: firstRow * positionsPerRow,
    positions: (blockStart(at.sequence + 1, mesh.sequence, outer) - firstRow) * positionsPerRow,
  };
}

/** Channels on each tensor rank. */
export function channelShards(mesh: Mesh, channels: number): number[] {
  return Array.from({ length: mesh.tensor }, (_, tensor) => {
    return blockStart(tensor + 1, mesh.tensor, channels) - blockStart(tensor, mesh.tensor, channels);
  });
}

/** First of the elements of block `index`, of `count` blocks. */
function blockStart(index: number, count: number, elements: number): number {
  return Math.floor((index * elements) / count);
}
