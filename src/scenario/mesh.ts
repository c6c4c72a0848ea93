import type { Mesh, NormalizerSpec } from "./scenario.ts";

/** The largest world. */
export const maxRanks = 1024;

/** Where a rank stands on each axis of the mesh, counted from 0. */
export type Coordinates = Mesh;

/**
 * How the tensor ranks of one data coordinate hold an activation: channels cut, every rank all of it, or the
 * first position axis cut once more.
 */
export type Layout = "sharded" | "replicated" | "sequence-parallel";

/** The layout that a normaliser works on. */
export function layoutOf(spec: NormalizerSpec): Layout {
  return ("tensorParallel" in spec ? spec.tensorParallel : undefined) ?? "sharded";
}

/** The layouts of a scenario's data: `sharded`, from which the whole batch is merged, and what else its normalisers work on. */
export function layoutsOf(normalizers: readonly NormalizerSpec[]): Layout[] {
  return [...new Set<Layout>(["sharded", ...normalizers.map(layoutOf)])];
}

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
 * consecutive blocks that differ by at most one. Blocks of a sequence-parallel layout lie inside those of
 * the sequence ranks.
 */
export function shardOf(
  mesh: Mesh,
  rank: number,
  channels: number,
  positionExtents: readonly number[],
  layout: Layout = "sharded",
): Shard {
  const { tensor, sequence } = mesh;
  const at = coordinatesOf(mesh, rank);
  const [channelBlock, channelBlocks] = layout === "sharded" ? [at.tensor, tensor] : [0, 1];
  const [rowBlock, rowBlocks] =
    layout === "sequence-parallel"
      ? [at.sequence * tensor + at.tensor, sequence * tensor]
      : [at.sequence, sequence];
  const firstChannel = blockStart(channelBlock, channelBlocks, channels);
  const [outer = 1, ...inner] = positionExtents;
  const positionsPerRow = inner.reduce((product, extent) => product * extent, 1);
  const firstRow = blockStart(rowBlock, rowBlocks, outer);
  return {
    firstChannel,
    channels: blockStart(channelBlock + 1, channelBlocks, channels) - firstChannel,
    firstPosition: firstRow * positionsPerRow,
    positions: (blockStart(rowBlock + 1, rowBlocks, outer) - firstRow) * positionsPerRow,
  };
}

/** First of the elements of block `index`, of `count` blocks. */
function blockStart(index: number, count: number, elements: number): number {
  return Math.floor((index * elements) / count);
}
