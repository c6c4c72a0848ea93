import type { FrameworkProfile } from "../frameworks/profile.ts";
import type { Breakdown } from "./breakdown.ts";
import { batchNormLayers, type GroupEstimate } from "./groups.ts";
import type { ResolvedRequest } from "./request.ts";

/** Root mean square error of outputs up to which a group stands for all GPUs: a judgement, not a threshold of accuracy. */
const closeRms = 0.01;

/** Overhead in percent that is not worth a change. */
const negligiblePercent = 1;

const causes: Readonly<
  Record<keyof Breakdown, { readonly is: string; remedy(profile: FrameworkProfile): string }>
> = {
  kernels: { is: "its separate kernels", remedy: () => "look for a layout whose kernels are faster" },
  wire: { is: "the collectives themselves", remedy: () => "keep groups inside a node" },
  launch: { is: "work of the host", remedy: hostRemedy },
  hostSync: { is: "the host waiting for the device", remedy: hostRemedy },
  skew: { is: "waiting for the slowest rank at every layer", remedy: () => "take smaller groups" },
};

function hostRemedy({ negotiation, name }: FrameworkProfile): string {
  if (negotiation !== null) return "shorten the negotiation cycle (HOROVOD_CYCLE_TIME)";
  return name === "pytorch-graph" || name === "flax"
    ? "give each step more to compute"
    : "capture the step in a graph (pytorch-graph)";
}

/** One sentence: what to do about the cost. */
export function adviceFor(
  request: ResolvedRequest,
  groups: readonly GroupEstimate[],
  breakdown: Breakdown,
): string {
  const { model, gpus, groupRanks, profile } = request;
  if (batchNormLayers(request).length === 0)
    return `${model.name} has no BatchNorm that is trained: there is nothing to synchronise.`;
  if (gpus === 1 || groupRanks === 1)
    return "Statistics stay on one GPU: nothing is synchronised and nothing is paid.";
  const { overheadPercent } = groups.find(({ group }) => group === groupRanks)!;
  if (overheadPercent < negligiblePercent)
    return `SyncBN over ${groupRanks} GPUs costs ${percent(overheadPercent)} of a step: leave it on.`;
  const [largest] = (Object.keys(causes) as (keyof Breakdown)[]).sort(
    (a, b) => breakdown[b].exposedSeconds - breakdown[a].exposedSeconds,
  );
  const { is, remedy } = causes[largest!];
  const cost = `SyncBN over ${groupRanks} GPUs costs ${percent(overheadPercent)} of a step, above all ${is}`;
  const close = groups
    .filter(({ group, outputMse }) => group < groupRanks && Math.sqrt(outputMse) <= closeRms)
    .sort((a, b) => a.overheadPercent - b.overheadPercent)[0];
  if (close === undefined || close.overheadPercent >= overheadPercent)
    return `${cost}; no smaller group comes within ${percent(100 * closeRms)} of the outputs over all GPUs, so ${remedy(profile)}.`;
  const rms = percent(100 * Math.sqrt(close.outputMse));
  return close.group === 1
    ? `${cost}; local BatchNorm is within ${rms} of the outputs over all GPUs if data are i.i.d., so do without.`
    : `${cost}; groups of ${close.group} cost ${percent(close.overheadPercent)} and come within ${rms} of the outputs over all.`;
}

function percent(value: number): string {
  return `${String(Number(value.toPrecision(2)))} %`;
}
