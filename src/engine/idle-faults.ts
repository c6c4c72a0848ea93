import { ScenarioError } from "../errors.ts";
import { bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import { byRank, dataParallelGroups, groupsOf } from "../normalizers/group.ts";
import { type DiscordFault, isDiscord } from "../scenario/injected-fault.ts";
import { collectivesOf } from "./arena-plan.ts";
import type { Workload } from "./workload.ts";

/** @throws ScenarioError if a rank is to disagree with its peers where it communicates with none. */
export function refuseIdleFaults(workload: Workload): void {
  const { faults, name } = workload.scenario;
  const idle = faults.flatMap((fault, index) => {
    if (!isDiscord(fault) || disagrees(workload, fault)) return [];
    const narrow = fault.kind === "wrong-group" ? " in a group smaller than the world" : "";
    const message = `expected a normaliser whose ${fault.phase} pass communicates on rank ${fault.rank}${narrow}, got none`;
    return [{ file: name, path: `faults[${index}].phase`, message }];
  });
  if (idle.length > 0) throw new ScenarioError(idle);
}

function disagrees(workload: Workload, { rank, phase, kind }: DiscordFault): boolean {
  const { normalizers, mesh, cluster } = workload.scenario;
  const isConcerned = (ranks: readonly number[]): boolean =>
    ranks.length > 1 && (kind !== "wrong-group" || ranks.length < workload.worldSize);
  return normalizers.some((spec, index) => {
    const group = byRank(groupsOf(spec, mesh, cluster.gpusPerNode))[rank]!;
    if (
      isConcerned(group.ranks) &&
      collectivesOf(workload, index, group).some((shape) => shape.pass === phase)
    )
      return true;
    const exchanges = phase === "forward" && bufferExchangeOf(spec)?.everyStep === true;
    return exchanges && isConcerned(byRank(dataParallelGroups(mesh))[rank]!.ranks);
  });
}
