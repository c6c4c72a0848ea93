import type { Mesh, NormalizerSpec } from "../scenario/scenario.ts";
import { ranksSharingSets } from "./axis-rule.ts";
import { createNormalizer } from "./registry.ts";

/** Ranks that pool their statistics. */
export interface Group {
  /** Counted over the groups of one normaliser. */
  readonly index: number;
  /** Ascending. */
  readonly ranks: readonly number[];
}

/**
 * The groups of a normaliser: those the axis rule asks for, unless it was given others: as listed, or in
 * rank order blocks of consecutive ranks, the last one smaller when the block does not divide the world.
 */
export function groupsOf(spec: NormalizerSpec, mesh: Mesh, ranksPerNode: number): Group[] {
  return rankLists(spec, mesh, ranksPerNode).map((ranks, index) => ({ index, ranks }));
}

/** The group of every rank, indexed by rank. */
export function groupByRank(spec: NormalizerSpec, mesh: Mesh, ranksPerNode: number): Group[] {
  const byRank: Group[] = [];
  for (const group of groupsOf(spec, mesh, ranksPerNode)) {
    for (const rank of group.ranks) byRank[rank] = group;
  }
  return byRank;
}

function rankLists(spec: NormalizerSpec, mesh: Mesh, ranksPerNode: number): number[][] {
  const group = "group" in spec ? spec.group : "world";
  if (group === "world") return ranksSharingSets(createNormalizer(spec).reduces, mesh);
  if (typeof group === "object") return group.map((ranks) => [...ranks].sort((a, b) => a - b));
  const worldSize = mesh.data * mesh.tensor * mesh.sequence;
  const count = group === "rank" ? 1 : group === "node" ? ranksPerNode : group;
  const lists: number[][] = [];
  for (let first = 0; first < worldSize; first += count) {
    const length = Math.min(count, worldSize - first);
    lists.push(Array.from({ length }, (_, i) => first + i));
  }
  return lists;
}
