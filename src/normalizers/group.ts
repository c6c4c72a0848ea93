import { layoutOf } from "../scenario/mesh.ts";
import type { Mesh, NormalizerSpec, RankGroups } from "../scenario/scenario.ts";
import { ranksSharingSets } from "./axis-rule.ts";
import { createNormalizer } from "./registry.ts";

/** Ranks that communicate with each other. */
export interface Group {
  /** Counted over the groups of one normaliser. */
  readonly index: number;
  /** Ascending. */
  readonly ranks: readonly number[];
}

/**
 * The groups of a normaliser: those the axis rule asks for, unless it was given others. These are parts of
 * the former: as listed, or in rank order blocks of that many of their ranks, the last one smaller where the
 * block does not divide them, or those of one node.
 */
export function groupsOf(spec: NormalizerSpec, mesh: Mesh, ranksPerNode: number): Group[] {
  return rankLists(spec, mesh, ranksPerNode).map((ranks, index) => ({ index, ranks }));
}

/** All ranks, as one group. */
export function worldOf(worldSize: number): Group {
  return { index: 0, ranks: Array.from({ length: worldSize }, (_, rank) => rank) };
}

/** The group of every rank, indexed by rank. */
export function byRank(groups: readonly Group[]): Group[] {
  const indexed: Group[] = [];
  for (const group of groups) for (const rank of group.ranks) indexed[rank] = group;
  return indexed;
}

/** The ranks that hold the same channels: a data parallel world, whichever ranks pool statistics. */
export function dataParallelGroups(mesh: Mesh): Group[] {
  return ranksSharingSets(["samples", "positions"], mesh).map((ranks, index) => ({ index, ranks }));
}

/** Indexed by rank: the ranks that hold its index sets between them, whether or not they pool them. */
export function holdersByRank(spec: NormalizerSpec, mesh: Mesh): number[][] {
  const byRank: number[][] = [];
  for (const ranks of ranksHoldingSets(spec, mesh)) for (const rank of ranks) byRank[rank] = ranks;
  return byRank;
}

/** A layout other than `sharded` cuts no token. */
function ranksHoldingSets(spec: NormalizerSpec, mesh: Mesh): number[][] {
  if (layoutOf(spec) !== "sharded") return everyRank(mesh);
  const { reduces, channelGroups } = createNormalizer(spec);
  return ranksSharingSets(reduces, mesh, channelGroups);
}

/** Ranks that know every statistic once between them: all ranks that pool a set know the same one, replicas the same tokens. */
export function ranksOfDistinctSets(spec: NormalizerSpec, groups: readonly Group[], mesh: Mesh): number[] {
  if (layoutOf(spec) === "sharded") return groups.map(({ ranks }) => ranks[0]!);
  const ranks = everyRank(mesh).flat();
  return layoutOf(spec) === "replicated" ? ranks.filter((rank) => rank % mesh.tensor === 0) : ranks;
}

function rankLists(spec: NormalizerSpec, mesh: Mesh, ranksPerNode: number): number[][] {
  const fault = "fault" in spec ? spec.fault : undefined;
  if (fault === "rank-local-statistics" || fault === "missing-gradient-all-reduce") return everyRank(mesh);
  if (layoutOf(spec) === "sequence-parallel") return ranksSharingSets(["channels"], mesh);
  const holders = ranksHoldingSets(spec, mesh);
  return "group" in spec ? splitHolders(holders, spec.group, ranksPerNode) : holders;
}

function splitHolders(holders: number[][], group: RankGroups, ranksPerNode: number): number[][] {
  if (group === "world") return holders;
  if (typeof group === "object") return group.map((ranks) => [...ranks].sort((a, b) => a - b));
  const blockOf = (rank: number, index: number): number => {
    if (group === "node") return Math.floor(rank / ranksPerNode);
    return group === "rank" ? index : Math.floor(index / group);
  };
  return holders.flatMap((ranks) => {
    const starts = ranks.flatMap((rank, index) => {
      const isFirst = index === 0 || blockOf(rank, index) !== blockOf(ranks[index - 1]!, index - 1);
      return isFirst ? [index] : [];
    });
    return starts.map((start, block) => ranks.slice(start, starts[block + 1]));
  });
}

const everyRank = ({ data, tensor, sequence }: Mesh): number[][] =>
  Array.from({ length: data * tensor * sequence }, (_, rank) => [rank]);
