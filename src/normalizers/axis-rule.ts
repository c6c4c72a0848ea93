import type { Axis } from "../kernels/index-sets.ts";
import { coordinatesOf } from "../scenario/mesh.ts";
import type { Mesh } from "../scenario/scenario.ts";

/** The axis of the mesh that spreads each axis of [N, C, L] over ranks. */
const meshAxisOf: Readonly<Record<Axis, keyof Mesh>> = {
  samples: "data",
  channels: "tensor",
  positions: "sequence",
};

/**
 * The axis rule: a normaliser has to communicate exactly over those axes of the mesh that shard an axis
 * which it reduces over. Empty: every index set lies on one rank.
 */
export function communicatesOver(reduces: readonly Axis[], mesh: Mesh): (keyof Mesh)[] {
  return reduces.map((axis) => meshAxisOf[axis]).filter((axis) => mesh[axis] > 1);
}

/**
 * Blocks of channels that a rank holds, or holds a part of: blocks end where the shards of tensor ranks do,
 * or the other way round, because one of the two numbers divides the other.
 */
export function channelGroupsPerRank(channelGroups: number, { tensor }: Mesh): number {
  return Math.max(1, channelGroups / tensor);
}

/** Ranks along each axis of the mesh that hold one index set between them. */
function waysOf(reduces: readonly Axis[], mesh: Mesh, channelGroups: number): Mesh {
  const ways = { data: 1, tensor: 1, sequence: 1 };
  for (const axis of communicatesOver(reduces, mesh)) ways[axis] = mesh[axis];
  return { ...ways, tensor: Math.max(1, ways.tensor / channelGroups) };
}

/** How many ranks hold one index set between them. */
export function ranksPerSet(reduces: readonly Axis[], mesh: Mesh, channelGroups = 1): number {
  const { data, tensor, sequence } = waysOf(reduces, mesh, channelGroups);
  return data * tensor * sequence;
}

/**
 * The ranks that share index sets: those that differ only on axes that are communicated over, and whose
 * channels are of the same blocks. In rank order.
 */
export function ranksSharingSets(reduces: readonly Axis[], mesh: Mesh, channelGroups = 1): number[][] {
  const ways = waysOf(reduces, mesh, channelGroups);
  const groups = new Map<string, number[]>();
  for (let rank = 0; rank < mesh.data * mesh.tensor * mesh.sequence; rank++) {
    const at = coordinatesOf(mesh, rank);
    const key = (["data", "sequence", "tensor"] as const)
      .map((axis) => Math.floor(at[axis] / ways[axis]))
      .join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rank]);
    else group.push(rank);
  }
  return [...groups.values()];
}
