import type { Cluster } from "../../cluster.ts";
import { clusterPresets } from "../../presets.ts";

/** A node as its owner described it, where it is no preset. */
function cluster(
  name: string,
  gpu: string,
  gpusPerNode: number,
  intra: Cluster["intra"],
  kind: Cluster["inter"]["kind"],
  nicsPerNode: number,
  bandwidthBytesPerSecond: number,
  cpu: NonNullable<Cluster["cpu"]> = "other",
): Cluster {
  return { name, gpu, gpusPerNode, intra, inter: { kind, nicsPerNode, bandwidthBytesPerSecond }, cpu };
}

/** Clusters of `measuredCases` that are no presets; hardware as the sources of the cases describe it. */
const others: readonly Cluster[] = [
  cluster("polaris-tcp", "a100", 4, "nvlink", "tcp", 2, 25e9, "amd"),
  cluster("alps-tcp", "gh200", 4, "nvlink", "tcp", 4, 25e9),
  cluster("hgx-h200-roce", "h200", 8, "nvswitch", "roce", 8, 50e9, "intel"),
  cluster("h20-8", "h20", 8, "nvswitch", "ib-ndr", 8, 50e9, "intel"),
  cluster("gb300-nvl72", "gb300", 72, "nvswitch", "ib-ndr", 72, 100e9),
  cluster("l40s-pair", "l40s", 2, "pcie4", "roce", 2, 12.5e9, "intel"),
  cluster("rtx2080ti-pair", "rtx2080ti", 2, "pcie3", "tcp", 1, 1.25e9),
  cluster("rtx4070ti-pair", "rtx4070ti", 2, "pcie4", "tcp", 1, 1.25e9),
  cluster("rtx5090-8", "rtx5090", 8, "pcie5", "tcp", 1, 1.25e9, "amd"),
  cluster("pcie-10g", "a100", 1, "pcie4", "tcp", 1, 1.25e9),
  cluster("pcie-roce100", "a100", 1, "pcie4", "roce", 1, 12.5e9),
  cluster("gb10", "gb10", 1, "pcie5", "roce", 1, 25e9),
  cluster("gcp-v100-tcp", "v100", 1, "nvlink", "tcp", 1, 3e9, "intel"),
  cluster("gcp-t4-tcp", "t4", 1, "pcie3", "tcp", 1, 3e9, "intel"),
];

/** Clusters that measured cases name: the presets and some more. */
export const measuredClusters: Readonly<Record<string, Cluster>> = {
  ...clusterPresets,
  ...Object.fromEntries(others.map((one) => [one.name, one])),
};
