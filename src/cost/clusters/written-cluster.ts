import type { Cluster } from "../cluster.ts";
import { clusterPresets } from "../presets.ts";
import { gpuOf, isTpu } from "./gpus.ts";

/** A cluster as a file gives it: all of it, or a preset and what differs from it. */
export interface WrittenCluster extends Partial<Omit<Cluster, "inter">> {
  /** One of `clusterPresets`. */
  readonly preset?: string;
  readonly inter?: Partial<Cluster["inter"]>;
}

/** What is missing or does not go together, at a path inside the written cluster. */
export interface ClusterProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Fill in a written cluster from its preset; only what is written differs from the preset. */
export function resolveCluster(written: WrittenCluster): Cluster | readonly ClusterProblem[] {
  const { preset, ...own } = written;
  const base = preset === undefined ? undefined : clusterPresets[preset];
  const merged = {
    ...base,
    ...(base !== undefined && { name: `${preset} (modified)` }),
    ...own,
    inter: { ...base?.inter, ...own.inter },
  };
  const problems = [
    ...missing(merged, ["name", "gpu", "gpusPerNode", "intra"], []),
    ...missing(merged.inter, ["kind", "nicsPerNode", "bandwidthBytesPerSecond"], ["inter"]),
    ...contradictions(merged),
  ];
  return problems.length > 0 ? problems : (merged as Cluster);
}

const writtenNames: Readonly<Record<string, string>> = { bandwidthBytesPerSecond: "bandwidth" };

function missing(found: object, keys: readonly string[], path: readonly string[]): ClusterProblem[] {
  return keys
    .filter((key) => !Object.hasOwn(found, key))
    .map((key) => {
      const name = [...path, writtenNames[key] ?? key].join(".");
      return { path, message: `missing: expected ${name}, or a preset that has it (preset: dgx-a100)` };
    });
}

function contradictions({ gpu, intra, inter }: WrittenCluster): ClusterProblem[] {
  if (gpu === undefined || intra === undefined) return [];
  const kind = inter?.kind;
  if (isTpu(gpu)) {
    const isTorus = intra === "ici" && (kind === undefined || kind === "ici");
    return isTorus
      ? []
      : [{ path: ["intra"], message: `expected ici for both intra and inter.kind, as ${gpu} has it` }];
  }
  if (intra === "ici" || kind === "ici")
    return [{ path: ["intra"], message: `expected another link than ici, which only TPUs have, got ${gpu}` }];
  const hasNvlink = gpuOf(gpu)!.linkBandwidthBytesPerSecond > 0;
  if (hasNvlink || intra.startsWith("pcie")) return [];
  return [{ path: ["intra"], message: `expected pcie3, pcie4 or pcie5: ${gpu} has no NVLink` }];
}
