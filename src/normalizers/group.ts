import type { NormalizerSpec } from "../scenario/scenario.ts";

/** Ranks that pool their statistics. */
export interface Group {
  /** Counted over the groups of one normaliser. */
  readonly index: number;
  /** Ascending. */
  readonly ranks: readonly number[];
}

/**
 * The groups of a normaliser: as listed, or in rank order blocks of consecutive ranks, the last one
 * smaller when the block does not divide the world. Normalisers without a group pool nothing: one rank
 * each.
 */
export function groupsOf(spec: NormalizerSpec, worldSize: number, ranksPerNode: number): Group[] {
  if ("group" in spec && typeof spec.group === "object")
    return spec.group.map((ranks, index) => ({ index, ranks: [...ranks].sort((a, b) => a - b) }));
  const count = groupCount(spec, worldSize, ranksPerNode);
  const groups: Group[] = [];
  for (let first = 0; first < worldSize; first += count) {
    const length = Math.min(count, worldSize - first);
    groups.push({ index: groups.length, ranks: Array.from({ length }, (_, i) => first + i) });
  }
  return groups;
}

/** The group of every rank, indexed by rank. */
export function groupByRank(spec: NormalizerSpec, worldSize: number, ranksPerNode: number): Group[] {
  const byRank: Group[] = [];
  for (const group of groupsOf(spec, worldSize, ranksPerNode)) {
    for (const rank of group.ranks) byRank[rank] = group;
  }
  return byRank;
}

function groupCount(spec: NormalizerSpec, worldSize: number, ranksPerNode: number): number {
  const group = "group" in spec ? spec.group : "rank";
  if (group === "world") return worldSize;
  if (group === "node") return ranksPerNode;
  return typeof group === "number" ? group : 1;
}
