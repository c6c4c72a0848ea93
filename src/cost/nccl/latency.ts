import { ringSteps } from "./bandwidth.ts";
import type { CommunicatorGroup } from "./group.ts";
import type { PerProtocol } from "./latency-tables.ts";
import type { Algorithm, CollectiveOperation, Protocol } from "./request.ts";

/**
 * What NCCL adds to the size over the bandwidth, microseconds, for an available pair.
 *
 * Source: NCCL v2.30.7, src/graph/tuning.cc, ncclTopoTuneModel, without a network plugin's own latency and
 * for channels that share one ring order.
 */
export function latencyMicroseconds(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
): number {
  const { nodes, ranks, ranksPerNode, tables, layout } = group;
  const levels = Math.floor(Math.log2(nodes));
  switch (algorithm) {
    case "ring":
      return ringLatency(group, operation, protocol);
    case "tree": {
      const inside = insideLatency(group, (layout.isNvlink ? tables.nvlink : tables.pcie).tree, protocol);
      const chain = (ranksPerNode - 1) * inside;
      return tables.base.tree[protocol] + 2 * (chain + levels * tables.network.tree[protocol]);
    }
    case "nvls":
      return tables.nvlsIntra + (nodes > 1 ? tables.nvlsNetwork : 0);
    case "nvls-tree":
      return tables.nvlsIntra + 2 * levels * tables.nvlsTreeNetwork;
    case "pat":
      return 8 + (levels * tables.network.tree.Simple) / 3.5 + 2.8 * ranks;
  }
}

function ringLatency(group: CommunicatorGroup, operation: CollectiveOperation, protocol: Protocol): number {
  const { nodes, ranks, ranksPerNode, tables, layout, minor } = group;
  const inside = (layout.isNvlink ? tables.nvlink : tables.pcie).ring;
  // Since 2.23 a ring of one rank a node is counted with the tree's step.
  const between = (ranksPerNode === 1 && minor >= 23 ? tables.network.tree : tables.network.ring)[protocol];
  const base = tables.base.ring[protocol];
  if (operation === "broadcast")
    return base + (nodes === 1 ? inside[protocol] : tables.network.ring[protocol]);
  const steps = ringSteps(operation, ranks);
  const crossings = networkCrossings(nodes, operation, minor);
  const step = Math.max(insideLatency(group, inside, protocol), postOverhead(group, protocol));
  return base + Math.max(0, steps - crossings) * step + crossings * between;
}

function networkCrossings(nodes: number, operation: CollectiveOperation, minor: number): number {
  if (nodes === 1) return 0;
  if (operation !== "all-reduce") return nodes - 1;
  return minor >= 23 ? 2 * (nodes - 1) : 2 * nodes;
}

/** A step inside a node; from 2.8 to 2.16 NCCL counted LL for 1.8 times as long on several nodes. */
function insideLatency({ nodes, minor }: CommunicatorGroup, inside: PerProtocol, protocol: Protocol): number {
  const isSlower = protocol === "LL" && nodes > 1 && minor >= 8 && minor <= 16;
  return inside[protocol] * (isSlower ? 1.8 : 1);
}

/** What a step costs the proxy that posts it; counted since 2.17. */
function postOverhead({ nodes, minor, cluster }: CommunicatorGroup, protocol: Protocol): number {
  if (nodes === 1 || minor < 17) return 0;
  const once = cluster.cpu === "amd" ? 2 : 1;
  return protocol === "Simple" ? 3 * once : once;
}
