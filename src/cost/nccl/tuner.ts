import { assert } from "../../assert.ts";
import { isAvailable } from "./availability.ts";
import { algorithmBandwidth } from "./bandwidth.ts";
import type { CommunicatorGroup } from "./group.ts";
import { latencyMicroseconds } from "./latency.ts";
import {
  type Algorithm,
  algorithms,
  type CollectiveOperation,
  type CollectiveRequest,
  type Protocol,
  protocols,
} from "./request.ts";
import { channelsOf } from "./work.ts";

/** What NCCL would do for one size, by its own model. */
export interface Choice {
  readonly algorithm: Algorithm;
  readonly protocol: Protocol;
  /** NCCL's own estimate. */
  readonly seconds: number;
  /** What NCCL divides the size by, before what it takes off for the size. */
  readonly bandwidthBytesPerSecond: number;
}

/** Factors on a tree's bandwidth by floor(log2(bytes / 64)) (NCCL src/graph/tuning.cc, treeCorrectionFactor). */
const treeFactors: Readonly<Record<Protocol, readonly number[]>> = {
  LL: [1, 1, 1, 1, 0.9, 0.8, 0.7, 0.7, 0.7, 0.7, 0.6, 0.5, 0.4, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, 1, 1],
  LL128: [
    1, 1, 1, 1, 1, 0.9, 0.8, 0.8, 0.8, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.8, 0.9, 0.9, 0.9, 0.9, 1, 1,
  ],
  Simple: [
    ...[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.7, 0.6, 0.6, 0.5],
    ...[0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.7, 0.7, 0.8, 0.9, 0.9],
  ],
};

/** Seconds and bandwidth by NCCL's model of one algorithm with one protocol. */
export function tunerEstimate(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
  bytes: number,
): Choice {
  const bandwidth = algorithmBandwidth(group, operation, algorithm, protocol);
  const factor = sizeFactor(group, operation, algorithm, protocol, bytes);
  const latency =
    latencyMicroseconds(group, operation, algorithm, protocol) *
    (isOnPlateau(group, operation, algorithm, protocol, bytes) ? plateauFactor(group) : 1);
  const seconds = (latency + bytes / (1000 * bandwidth * factor)) / 1e6;
  return { algorithm, protocol, seconds, bandwidthBytesPerSecond: bandwidth * 1e9 };
}

/**
 * The algorithm and protocol that NCCL chooses: least time by its own model.
 *
 * @throws AssertionError if the request pins a pair that is not available.
 */
export function choose(
  group: CommunicatorGroup,
  { operation, bytes, algorithm: onlyAlgorithm, protocol: onlyProtocol }: CollectiveRequest,
): Choice {
  let best: Choice | undefined;
  for (const algorithm of algorithms) {
    if (onlyAlgorithm !== undefined && algorithm !== onlyAlgorithm) continue;
    for (const protocol of protocols) {
      if (onlyProtocol !== undefined && protocol !== onlyProtocol) continue;
      if (!isAvailable(group, operation, algorithm, protocol)) continue;
      const estimate = tunerEstimate(group, operation, algorithm, protocol, bytes);
      if (best === undefined || estimate.seconds < best.seconds) best = estimate;
    }
  }
  assert(best !== undefined, `NCCL has no ${operation} by ${onlyAlgorithm} with ${onlyProtocol} here`);
  return best;
}

function sizeFactor(
  { generation, cluster }: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
  bytes: number,
): number {
  if (operation !== "all-reduce") return 1;
  const isTreeLike =
    algorithm === "tree" ||
    (algorithm === "nvls-tree" && generation === "blackwell" && cluster.cpu !== "other");
  return isTreeLike ? (treeFactors[protocol][Math.floor(Math.log2(bytes / 64))] ?? 1) : 1;
}

/** Where a ring's chunks are big enough for Simple but too small to hide its synchronisation. */
function isOnPlateau(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
  bytes: number,
): boolean {
  if (algorithm !== "ring" || protocol !== "Simple" || operation !== "all-reduce" || group.nodes === 1)
    return false;
  return bytes / (channelsOf(group, operation, algorithm, protocol, bytes) * group.ranks) >= 64;
}

function plateauFactor({ generation, minor }: CommunicatorGroup): number {
  return generation === "volta" || minor <= 16 ? 1.9 : 1.4;
}
