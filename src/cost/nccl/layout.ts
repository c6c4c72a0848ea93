import type { Cluster, IntraLink } from "../cluster.ts";
import { gpuOf } from "../clusters/gpus.ts";
import { type Generation, generationOf } from "./generation.ts";

/** Channels of one algorithm and the GB/s (10^9) of each, inside a node and between nodes. */
export interface Graph {
  readonly channels: number;
  readonly intra: number;
  readonly inter: number;
}

/** What NCCL's graph search finds on a cluster. */
export interface Layout {
  readonly ring: Graph;
  readonly tree: Graph;
  /** Null without NVLink switches that can multicast (Hopper and newer). */
  readonly nvls: Graph | null;
  /** Channels that a communicator ends up with. */
  readonly channels: number;
  readonly isNvlink: boolean;
}

/** Speeds per channel that the search tries, GB/s (NCCL v2.30.7, src/graph/search.cc). */
const ladders: Readonly<
  Record<Generation, { readonly one: readonly number[]; readonly several: readonly number[] }>
> = (() => {
  const slow = [2.4, 1.2, 0.24, 0.12];
  const volta = {
    one: [40, 30, 20, 18, 15, 12, 10, 9, 7, 6, 5, 4, 3],
    several: [48, 30, 28, 24, 20, 18, 15, 12, 10, 9, 7, 6, 5, 4, 3, ...slow],
  };
  return {
    volta,
    ampere: volta,
    hopper: {
      one: [60, 50, 40, 30, 24, 20, 15, 12, 11, 6, 3],
      several: [48, 45, 42, 40, 30, 24, 22, 20, 17.5, 15, 12, 6, 3, ...slow],
    },
    blackwell: {
      one: [90, 80, 70, 60, 50, 45, 40, 30, 24, 20, 19, 18],
      several: [96, 86, 80, 48, 45.1, 42, 40, 30, 24, 22, 20, 17.5, 15, 12, 6, 3, ...slow],
    },
  };
})();

/** NCCL counts 12 GB/s for 100 Gb/s (src/graph/topo.h), and per NVLink of 25 or 50 GB/s what is below. */
const networkShare = 0.96;
const nvlinkShare: Readonly<Record<Generation, number>> = {
  volta: 20 / 25,
  ampere: 20 / 25,
  hopper: 20.6 / 25,
  blackwell: 40.1 / 50,
};
const pcie: Readonly<Record<Exclude<IntraLink, "nvlink" | "nvswitch" | "ici">, number>> = {
  pcie3: 12,
  pcie4: 24,
  pcie5: 48,
};

/** Channels that the search tries at most, and that a communicator has at most. */
const searchedMaximum = 16;
const channelsMaximum = 64;

/** GB/s of one GPU to its own node. */
export function intraBandwidth(cluster: Cluster): number {
  const { intra } = cluster;
  if (intra === "pcie3" || intra === "pcie4" || intra === "pcie5") return pcie[intra];
  return (gpuOf(cluster.gpu)!.linkBandwidthBytesPerSecond / 1e9) * nvlinkShare[generationOf(cluster)];
}

/** Network ports of a node that its ranks use and GB/s of each; cards beyond one a GPU work as one. */
export function networkPorts(cluster: Cluster, ranksPerNode: number): { ports: number; bandwidth: number } {
  const { nicsPerNode, bandwidthBytesPerSecond } = cluster.inter;
  const together = Math.max(1, nicsPerNode / cluster.gpusPerNode);
  const perGpu = Math.min(1, nicsPerNode / cluster.gpusPerNode);
  return {
    ports: Math.max(1, Math.round(perGpu * ranksPerNode)),
    bandwidth: (together * bandwidthBytesPerSecond * networkShare) / 1e9,
  };
}

/**
 * The channels that NCCL's search settles on, in closed form: of the speeds in its ladder the fastest
 * that moves the most in total. It does not look at which GPU is wired to which.
 */
export function layoutOf(cluster: Cluster, nodes: number, ranksPerNode: number): Layout {
  const generation = generationOf(cluster);
  const total = intraBandwidth(cluster);
  const isNvlink = cluster.intra === "nvlink" || cluster.intra === "nvswitch";
  const ladder = ladders[generation];
  const ring =
    nodes === 1
      ? doubled(oneNodeGraph(ladder.one, total), generation)
      : doubled(severalNodesGraph(ladder.several, total, cluster, ranksPerNode), generation);
  // Over two nodes a tree leaves half of each network port idle, so its share inside may be faster.
  const inside = ladder.several.find((speed) => speed <= total / ring.channels) ?? ring.intra;
  const tree =
    nodes === 2 && ranksPerNode > 1
      ? { ...ring, intra: Math.max(ring.intra, Math.min(2 * ring.inter, inside)) }
      : ring;
  const single = Math.min(channelsMaximum, 2 * ring.channels);
  const isFew =
    nodes > 1 && single < 16 && ring.intra > 45 && (generation === "hopper" || generation === "blackwell");
  return {
    ring,
    tree,
    nvls: nvlsGraph(cluster, nodes, ranksPerNode),
    channels: isFew ? 2 * single : single,
    isNvlink,
  };
}

function oneNodeGraph(ladder: readonly number[], total: number): Graph {
  return widest(ladder, (speed) => Math.floor(total / speed + 1e-9), total);
}

function severalNodesGraph(
  ladder: readonly number[],
  total: number,
  cluster: Cluster,
  ranksPerNode: number,
): Graph {
  const { ports, bandwidth } = networkPorts(cluster, ranksPerNode);
  // One rank in each channel sends to the network instead of to its node.
  const inside = ranksPerNode === 1 ? Number.POSITIVE_INFINITY : (total * ranksPerNode) / (ranksPerNode - 1);
  const channelsAt = (speed: number): number =>
    Math.min(ports * Math.floor(bandwidth / speed + 1e-9), Math.floor(inside / speed + 1e-9));
  return widest(ladder, channelsAt, bandwidth);
}

function widest(ladder: readonly number[], channelsAt: (speed: number) => number, fallback: number): Graph {
  let best = { channels: 1, speed: Math.min(fallback, ladder.at(-1)!) };
  let bestTotal = 0;
  for (const speed of ladder) {
    const channels = Math.min(searchedMaximum, channelsAt(speed));
    if (channels * speed <= bestTotal) continue;
    best = { channels, speed };
    bestTotal = channels * speed;
  }
  return { channels: best.channels, intra: best.speed, inter: best.speed };
}

function doubled({ channels, intra, inter }: Graph, generation: Generation): Graph {
  const isNewer = generation === "hopper" || generation === "blackwell";
  const stays = intra < 25 || (isNewer && intra < 50 && channels > 4);
  return stays ? { channels, intra, inter } : { channels: 2 * channels, intra: intra / 2, inter: inter / 2 };
}

function nvlsGraph(cluster: Cluster, nodes: number, ranksPerNode: number): Graph | null {
  const generation = generationOf(cluster);
  const canMulticast = generation === "hopper" || generation === "blackwell";
  if (!canMulticast || cluster.intra !== "nvswitch" || ranksPerNode < 2) return null;
  const channels = Math.min(ranksPerNode, 8);
  const ladder = ladders[generation];
  const speeds = nodes === 1 ? ladder.one : ladder.several;
  const intra = speeds.find((speed) => speed <= intraBandwidth(cluster) / channels) ?? speeds.at(-1)!;
  const { ports, bandwidth } = networkPorts(cluster, ranksPerNode);
  const share = (ports * bandwidth) / channels;
  const inter =
    nodes === 1 ? ladder.one[0]! : (speeds.find((speed) => speed <= share + 1e-9) ?? speeds.at(-1)!);
  return { channels, intra, inter };
}
