import type { Mesh } from "../scenario/scenario.ts";

/** The consecutive ranks that one thread runs: [first, first + count). */
export interface RankBlock {
  readonly first: number;
  readonly count: number;
}

/** Blocks of whole data coordinates: the ranks that hold parts of the same samples stay together. */
export function placeDataRanks({ data, tensor, sequence }: Mesh, blocks: number): RankBlock[] {
  const shards = tensor * sequence;
  return placeRanks(data, blocks).map(({ first, count }) => ({
    first: first * shards,
    count: count * shards,
  }));
}

/** Spread ranks evenly over threads, in rank order: one rank a thread while they fit, folded beyond. */
export function placeRanks(worldSize: number, threads: number): RankBlock[] {
  const used = Math.min(worldSize, threads);
  return Array.from({ length: used }, (_, thread) => {
    const first = Math.floor((thread * worldSize) / used);
    return { first, count: Math.floor(((thread + 1) * worldSize) / used) - first };
  });
}
