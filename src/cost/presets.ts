import type { Cluster } from "./cluster.ts";
import { centrePresets } from "./clusters/centre-presets.ts";
import { cloudPresets } from "./clusters/cloud-presets.ts";
import { nvidiaPresets } from "./clusters/nvidia-presets.ts";

/** Clusters that a scenario or a command may name. */
export const clusterPresets: Readonly<Record<string, Cluster>> = Object.fromEntries(
  [...nvidiaPresets, ...cloudPresets, ...centrePresets].map((cluster) => [cluster.name, cluster]),
);
