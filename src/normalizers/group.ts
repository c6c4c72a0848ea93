import type { NormalizerSpec } from "../scenario/scenario.ts";

/** Ranks that pool their statistics. */
export interface Group {
  /** Counted over the groups of one normaliser. */
  readonly index: number;
  /** Ascending. */
  readonly ranks: readonly number[];
}

/**
 * The groups of a normaliser, in rank order: blocks of consecutive ranks, the last one smaller when
 * the block does not divide the world. Normalisers without a group pool nothing: one rank each.
 */
export function groupsOf(spec: NormalizerSpec, worldSize: number, ranksPerNode: number): Group[] {
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
  return groupsOf(spec, worldSize, ranksPerNode).flatMap((group) => group.ranks.map(() => group));
}

function groupCount(spec: NormalizerSpec, worldSize: number, ranksPerNode: number): number {
  if (spec.type !== "batch-norm" || spec.group === "rank") return 1;
  if (spec.group === "world") return worldSize;
  if (spec.group === "node") return ranksPerNode;
  return spec.group;
}
