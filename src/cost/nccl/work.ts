import type { CommunicatorGroup } from "./group.ts";
import type { Algorithm, CollectiveOperation, Protocol } from "./request.ts";

/** A channel is not used for less traffic than this (NCCL src/enqueue.cc, MIN_TRAFFIC_PER_CHANNEL). */
const trafficPerChannel = 32 * 1024;

/**
 * Channels that a collective of so many bytes uses.
 *
 * Source: NCCL v2.30.7, src/enqueue.cc: fewer channels while threads have too little to do, then at least
 * 32 KiB of traffic for each, LL counted four times. NVLS keeps all its channels.
 */
export function channelsOf(
  { layout, ranks, generation, nodes }: CommunicatorGroup,
  operation: CollectiveOperation,
  algorithm: Algorithm,
  protocol: Protocol,
  bytes: number,
): number {
  if (algorithm === "nvls" || algorithm === "nvls-tree") {
    if (generation === "hopper") return 16;
    return nodes === 1 ? 24 : 32;
  }
  const isSlowRing =
    algorithm === "ring" && protocol === "Simple" && layout.ring.intra * layout.ring.channels <= 12;
  const threads = isSlowRing ? 256 : protocol === "LL128" ? 640 : 512;
  const bytesPerThread =
    protocol === "Simple" ? 64 : algorithm === "ring" && protocol === "LL" ? 8 * ranks : 8;
  const channels = Math.min(layout.channels, Math.max(1, Math.floor(bytes / (threads * bytesPerThread))));
  const traffic = (operation === "all-reduce" ? 2 : 1) * bytes * (protocol === "LL" ? 4 : 1);
  return Math.max(1, Math.min(channels, Math.ceil(traffic / trafficPerChannel)));
}
