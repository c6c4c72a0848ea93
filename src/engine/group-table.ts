import { dataParallelGroups, type Group, groupsOf, worldOf } from "../normalizers/group.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** A number for every group of ranks that a scenario's collectives run in: equal on every thread, and what peers compare. */
export class GroupTable {
  readonly world: Group;
  readonly #ranks: (readonly number[])[] = [];
  readonly #byRanks = new Map<string, number>();
  readonly #numbers = new WeakMap<Group, number>();

  constructor({ normalizers, mesh, cluster }: Pick<Scenario, "normalizers" | "mesh" | "cluster">) {
    this.world = worldOf(mesh.data * mesh.tensor * mesh.sequence);
    const groups = [
      this.world,
      ...dataParallelGroups(mesh),
      ...normalizers.flatMap((spec) => groupsOf(spec, mesh, cluster.gpusPerNode)),
    ];
    for (const { ranks } of groups) {
      const key = ranks.join();
      if (this.#byRanks.has(key)) continue;
      this.#byRanks.set(key, this.#ranks.length);
      this.#ranks.push(ranks);
    }
  }

  /** Groups of the same ranks have the same number. */
  numberOf(group: Group): number {
    let number = this.#numbers.get(group);
    if (number === undefined) {
      number = this.#byRanks.get(group.ranks.join())!;
      this.#numbers.set(group, number);
    }
    return number;
  }

  /** Ascending. */
  ranksOf(number: number): readonly number[] {
    return this.#ranks[number]!;
  }
}
