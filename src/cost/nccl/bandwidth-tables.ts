import type { Cluster } from "../cluster.ts";
import { type Generation, generationOf } from "./generation.ts";

/** GB/s on 1, 2 and 3 or more nodes, in NCCL's own unit (10^9 bytes per second). */
type PerNodeCount = readonly [number, number, number];
type PerGeneration = Readonly<Record<Generation, PerNodeCount>>;

const same = (value: number): PerNodeCount => [value, value, value];

/** Caps of NCCL v2.30.7, src/graph/tuning.cc. */
const lowLatency: PerGeneration = {
  volta: [39, 39, 20.4],
  ampere: [87.7, 22.5, 19],
  hopper: [141, 45, 35],
  blackwell: [282, 90, 70],
};
const ringLL128: PerGeneration = {
  volta: same(20),
  ampere: same(20),
  hopper: same(36.7),
  blackwell: same(40),
};
const treeLL128: PerGeneration = {
  volta: same(20),
  ampere: same(20),
  hopper: [36.7, 36.7, 29],
  blackwell: [55.6, 31.67, 20],
};
const tree: PerGeneration = {
  volta: [26.5, 18.5, 10],
  ampere: [24, 23.6, 17.8],
  hopper: [38.7, 41.4, 36],
  blackwell: [70, 42.8, 24],
};
const nvlsTree: PerGeneration = { ...tree, hopper: [0, 57.7, 45.5], blackwell: [0, 96, 80] };
const nvlsEfficiency: Readonly<Record<Generation, number>> = {
  volta: 0,
  ampere: 0,
  hopper: 0.85,
  blackwell: 0.74,
};

/** What NCCL caps the bandwidth at, GB/s: the first in total, the others per channel. */
export interface BandwidthCaps {
  readonly lowLatency: number;
  readonly ringLL128: number;
  readonly treeLL128: number;
  readonly tree: number;
  readonly nvlsTree: number;
  /** Share of the link. */
  readonly nvlsEfficiency: number;
}

/**
 * The caps for a cluster and a count of nodes.
 *
 * On several nodes the LL cap goes by the vendor of the CPU: AMD has Ampere's row, every other Volta's.
 * Before 2.22 Hopper had no LL row of its own and took Ampere's; before 2.28 the tree over NVLS had no cap.
 */
export function bandwidthCaps(cluster: Cluster, nodes: number, minor: number): BandwidthCaps {
  const generation = generationOf(cluster);
  const column = Math.min(nodes, 3) - 1;
  const ofOneNode = minor < 22 && generation === "hopper" ? "ampere" : generation;
  const lowLatencyRow = nodes === 1 ? ofOneNode : cluster.cpu === "amd" ? "ampere" : "volta";
  return {
    lowLatency: lowLatency[lowLatencyRow][column]!,
    ringLL128: ringLL128[generation][column]!,
    treeLL128: treeLL128[generation][column]!,
    tree: tree[generation][column]!,
    nvlsTree: minor < 28 ? Number.POSITIVE_INFINITY : nvlsTree[generation][column]!,
    nvlsEfficiency: nvlsEfficiency[generation],
  };
}
