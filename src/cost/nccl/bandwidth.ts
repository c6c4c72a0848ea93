import type { CommunicatorGroup } from "./group.ts";
import type { Algorithm, CollectiveOperation, Protocol } from "./request.ts";

/** Ring steps of an operation on n ranks. */
export function ringSteps(operation: CollectiveOperation, n: number): number {
  if (operation === "all-reduce") return 2 * (n - 1);
  return operation === "broadcast" ? n : n - 1;
}

/**
 * What NCCL divides the size by, GB/s (10^9): its algorithm bandwidth for an available pair.
 *
 * Source: NCCL v2.30.7, src/graph/tuning.cc, ncclTopoTuneModel; older factors from the older releases.
 */
export function algorithmBandwidth(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
): number {
  const { ranks } = group;
  const busBandwidth = busBandwidthOf(group, operation, algorithm, protocol);
  if (algorithm === "tree") return busBandwidth * 0.5;
  if (algorithm !== "ring" && operation !== "all-reduce") return busBandwidth;
  return (busBandwidth * ranks) / ringSteps(operation, ranks);
}

function busBandwidthOf(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
): number {
  switch (algorithm) {
    case "ring":
      return ringBandwidth(group, protocol);
    case "tree":
      return treeBandwidth(group, protocol);
    case "pat":
      return 0.75 * wholeBandwidth(group, group.layout.ring);
    default:
      return nvlsBandwidth(group, operation, algorithm);
  }
}

/** NCCL of 2.8 to 2.16 counted at most this of an A100's NVLinks. */
const ampereCeiling = 235;

function wholeBandwidth(
  { nodes, minor, generation }: CommunicatorGroup,
  graph: CommunicatorGroup["layout"]["ring"],
) {
  const whole = graph.channels * (nodes <= 2 ? graph.intra : graph.inter);
  const isCapped = generation === "ampere" && minor >= 8 && minor <= 16;
  return isCapped ? Math.min(whole, ampereCeiling) : whole;
}

function ringBandwidth(group: CommunicatorGroup, protocol: Protocol): number {
  const { layout, caps, nodes, ranksPerNode, minor } = group;
  const whole = wholeBandwidth(group, layout.ring);
  if (protocol === "LL") {
    const share = minor >= 22 ? 1 / 2 : nodes === 1 ? 1 / 3 : 1 / 4;
    return Math.min(caps.lowLatency, whole * share);
  }
  if (protocol === "Simple") return whole;
  const share = minor <= 16 && ranksPerNode < 2 ? 0.7 : 0.92;
  return Math.min(share * whole, layout.ring.channels * caps.ringLL128);
}

function treeBandwidth(group: CommunicatorGroup, protocol: Protocol): number {
  const { layout, caps, nodes, ranksPerNode } = group;
  const { channels } = layout.tree;
  let whole = Math.min(0.92 * wholeBandwidth(group, layout.tree), channels * caps.tree);
  if (protocol === "LL") whole = Math.min(whole / 3.8, caps.lowLatency);
  if (protocol === "LL128")
    whole = Math.min(whole * (nodes === 1 ? 7 / 9 : 120 / 128), channels * caps.treeLL128);
  // One rank a node leaves only the plain tree, neither split nor balanced.
  return ranksPerNode === 1 ? whole * 0.85 : whole;
}

function nvlsBandwidth(
  { layout, caps, nodes, ranksPerNode }: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
): number {
  const { channels, intra, inter } = layout.nvls!;
  const gain = operation === "all-reduce" ? 2 : (ranksPerNode - 1) / ranksPerNode;
  const inside = (intra * caps.nvlsEfficiency * gain * (channels - 1)) / channels;
  if (algorithm === "nvls") return channels * Math.min(inside, inter);
  const between = nodes <= 2 ? 2 * inter : inter;
  return channels * Math.min(inside, between, caps.nvlsTree);
}
