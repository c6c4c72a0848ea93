import { assert } from "../../assert.ts";
import type { Cluster } from "../cluster.ts";
import { linkConstants } from "../links.ts";
import { type FatTreeLevel, fatTreeNetwork } from "./fat-tree-network.ts";
import { meshNetwork } from "./mesh-network.ts";
import type { Network } from "./network.ts";
import { starNetwork } from "./star-network.ts";

/** What joins the network cards of a cluster: one switch that never blocks, or levels of switches. */
export type Fabric = "non-blocking" | readonly FatTreeLevel[];

/**
 * The links of a cluster that a group of its GPUs can use; rank i of the network is GPU `gpus[i]`.
 *
 * - Inside a node, "nvlink" wires every pair of GPUs with an equal share of a GPU's links; everything
 *   else is a switch with one port per GPU. Its latency and bandwidth are those of the α-β clock.
 * - Between nodes, a GPU sends and receives over one network card. GPUs share a card where the node has
 *   fewer; where it has more, those of one GPU count as one.
 * - A message through a switch waits half of its latency at the port it leaves by, half where it enters.
 *
 * Not modelled: the way from a GPU to its card, sockets, the gaps in a DGX-1's cube mesh, the hops of a TPU
 * torus (a switch with one port per chip), and several
 * rings at once, which is how NCCL keeps all pairs of a mesh busy.
 *
 * @param fabric A fat tree's ranks are the cards, node after node; its first level stands for the
 * cards' own cables, so it states their latency and bandwidth.
 * @throws AssertionError if a fat tree has too few ranks for the cards.
 */
export function clusterNetwork(
  cluster: Cluster,
  gpus: readonly number[],
  fabric: Fabric = "non-blocking",
): Network {
  const { gpusPerNode } = cluster;
  const cardsPerNode = Math.min(cluster.inter.nicsPerNode, gpusPerNode);
  const node = Uint32Array.from(gpus, (gpu) => Math.floor(gpu / gpusPerNode));
  const place = Uint32Array.from(gpus, (gpu) => gpu % gpusPerNode);
  const card = node.map(
    (index, rank) => index * cardsPerNode + Math.floor((place[rank]! * cardsPerNode) / gpusPerNode),
  );
  const nodes = node.reduce((most, index) => Math.max(most, index), 0) + 1;
  const inside = insideNode(cluster);
  const between = betweenCards(cluster, nodes * cardsPerNode, fabric);
  const firstCard = nodes * inside.linkCount;
  return {
    ranks: gpus.length,
    linkCount: firstCard + between.linkCount,
    latencySeconds: repeatThen(inside.latencySeconds, nodes, between.latencySeconds),
    bandwidthBytesPerSecond: repeatThen(
      inside.bandwidthBytesPerSecond,
      nodes,
      between.bandwidthBytesPerSecond,
    ),
    longestRoute: Math.max(inside.longestRoute, between.longestRoute),
    route: (source, target, links) => {
      const isInside = node[source] === node[target];
      const first = isInside ? node[source]! * inside.linkCount : firstCard;
      const count = isInside
        ? inside.route(place[source]!, place[target]!, links)
        : between.route(card[source]!, card[target]!, links);
      for (let i = 0; i < count; i++) links[i]! += first;
      return count;
    },
    linkName: (link) =>
      link < firstCard
        ? `node ${Math.floor(link / inside.linkCount)} ${inside.linkName(link % inside.linkCount)}`
        : `card ${between.linkName(link - firstCard)}`,
  };
}

/** The GPUs of one node. */
function insideNode(cluster: Cluster): Network {
  const { latencySeconds, bandwidthBytesPerSecond } = linkConstants(cluster).intra;
  const ranks = cluster.gpusPerNode;
  if (cluster.intra !== "nvlink") {
    return starNetwork({ ranks, latencySeconds: latencySeconds / 2, bandwidthBytesPerSecond });
  }
  const peers = Math.max(1, ranks - 1);
  return meshNetwork({ ranks, latencySeconds, bandwidthBytesPerSecond: bandwidthBytesPerSecond / peers });
}

/** All network cards, or what stands for the cards of one GPU. */
function betweenCards(cluster: Cluster, cards: number, fabric: Fabric): Network {
  if (fabric !== "non-blocking") {
    const tree = fatTreeNetwork(fabric);
    assert(tree.ranks >= cards, `a fat tree of ${tree.ranks} ranks for ${cards} network cards`);
    return tree;
  }
  const { nicsPerNode, bandwidthBytesPerSecond } = cluster.inter;
  return starNetwork({
    ranks: cards,
    latencySeconds: linkConstants(cluster).inter.latencySeconds / 2,
    bandwidthBytesPerSecond: bandwidthBytesPerSecond * Math.max(1, nicsPerNode / cluster.gpusPerNode),
  });
}

/** `first` `times` over, then `last`. */
function repeatThen(first: Float64Array, times: number, last: Float64Array): Float64Array {
  const joined = new Float64Array(times * first.length + last.length);
  for (let i = 0; i < times; i++) joined.set(first, i * first.length);
  joined.set(last, times * first.length);
  return joined;
}
