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

/** How many ranks hold one index set between them. */
export function ranksPerSet(reduces: readonly Axis[], mesh: Mesh): number {
  return communicatesOver(reduces, mesh).reduce((count, axis) => count * mesh[axis], 1);
}

/** The ranks that share index sets: those that differ only on axes that are communicated over. In rank order. */
export function ranksSharingSets(reduces: readonly Axis[], mesh: Mesh): number[][] {
  const spanned = communicatesOver(reduces, mesh);
  const axes = (["data", "sequence", "tensor"] as const).filter((axis) => !spanned.includes(axis));
  const groups = new Map<string, number[]>();
  for (let rank = 0; rank < mesh.data * mesh.tensor * mesh.sequence; rank++) {
    const at = coordinatesOf(mesh, rank);
    const key = axes.map((axis) => at[axis]).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rank]);
    else group.push(rank);
  }
  return [...groups.values()];
}
