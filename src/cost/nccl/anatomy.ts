import { ringSteps } from "./bandwidth.ts";
import type { CommunicatorGroup } from "./group.ts";
import { latencyTables } from "./latency-tables.ts";
import { networkPorts } from "./layout.ts";
import type { CollectiveOperation } from "./request.ts";
import type { Choice } from "./tuner.ts";
import { channelsOf } from "./work.ts";

/** What one collective physically consists of, as counts and bytes: nothing here is fitted. */
export interface Anatomy {
  readonly group: CommunicatorGroup;
  readonly choice: Choice;
  /** Steps one after the other inside nodes and between them. */
  readonly insideSteps: number;
  readonly networkSteps: number;
  /** NCCL's own seconds of a step inside a node. */
  readonly insideStepSeconds: number;
  /** On the wire, per step: through one channel, and through one network port. */
  readonly insideMessageBytes: number;
  readonly networkMessageBytes: number;
  /** One port, one direction. */
  readonly portBytesPerSecond: number;
  /** All bytes at NCCL's bandwidth. */
  readonly streamSeconds: number;
  /** What fills the pipeline, at the same bandwidth. */
  readonly fillSeconds: number;
}

/** Wire bytes per payload byte: LL sends a flag with every 4 bytes, LL128 8 in 128. */
const wireFactor = { LL: 2, LL128: 128 / 120, Simple: 1 } as const;
/** Payload of one step's buffer (NCCL src/init.cc): what is sent as a whole. */
const chunkBytes = { LL: 32 * 1024, LL128: 120 * 1024, Simple: 512 * 1024 } as const;
const nvlsChunkBytes = 128 * 1024;

/** The newest tables: a step takes what it takes, whatever an older release thought of it. */
const hardware = latencyTables(30);

/** Take apart what a choice of NCCL does. */
export function anatomyOf(
  group: CommunicatorGroup,
  operation: CollectiveOperation,
  choice: Choice,
  bytes: number,
): Anatomy {
  const { algorithm, protocol } = choice;
  const channels = channelsOf(group, operation, algorithm, protocol, bytes);
  const { ports, bandwidth } = networkPorts(group.cluster, group.ranksPerNode);
  const pieces = algorithm === "ring" ? group.ranks : 1;
  const message = Math.min(bytes / pieces / channels, chunkBytes[protocol]) * wireFactor[protocol];
  const streamSeconds = bytes / choice.bandwidthBytesPerSecond;
  return {
    group,
    choice,
    ...stepsOf(group, operation, choice),
    insideMessageBytes: message,
    networkMessageBytes: group.nodes === 1 ? 0 : message * Math.max(1, channels / ports),
    portBytesPerSecond: bandwidth * 1e9,
    streamSeconds,
    fillSeconds:
      saturating(bytes, fillBytes(group, operation, choice, channels)) / choice.bandwidthBytesPerSecond,
  };
}

function stepsOf(
  { nodes, ranks, ranksPerNode, layout }: CommunicatorGroup,
  operation: CollectiveOperation,
  { algorithm, protocol }: Choice,
): Pick<Anatomy, "insideSteps" | "networkSteps" | "insideStepSeconds"> {
  const levels = Math.floor(Math.log2(nodes));
  const inside = layout.isNvlink ? hardware.nvlink : hardware.pcie;
  if (algorithm === "ring") {
    const steps = operation === "broadcast" ? 1 : ringSteps(operation, ranks);
    const crossings = Math.min(steps, ringCrossings(nodes, ranksPerNode, operation));
    return {
      insideSteps: steps - crossings,
      networkSteps: crossings,
      insideStepSeconds: inside.ring[protocol] / 1e6,
    };
  }
  if (algorithm === "tree")
    return {
      insideSteps: 2 * (ranksPerNode - 1),
      networkSteps: 2 * levels,
      insideStepSeconds: inside.tree[protocol] / 1e6,
    };
  if (algorithm === "pat") return { insideSteps: 0, networkSteps: levels, insideStepSeconds: 0 };
  return { insideSteps: 1, networkSteps: 2 * levels, insideStepSeconds: hardware.nvlsIntra / 1e6 };
}

/**
 * Links between nodes that the longest-travelling piece of a ring crosses. An all-reduce goes around twice but
 * for two links in a row, the others once but for one link: best for it are links inside a node.
 */
function ringCrossings(nodes: number, ranksPerNode: number, operation: CollectiveOperation): number {
  if (nodes === 1) return 0;
  if (operation === "broadcast") return 1;
  const laps = operation === "all-reduce" ? 2 : 1;
  const skipped = Math.max(0, laps - (ranksPerNode - 1));
  return laps * nodes - skipped;
}

/** Bytes of one loop of chunks through all channels. */
function fillBytes(
  { ranks, ranksPerNode, nodes }: CommunicatorGroup,
  operation: CollectiveOperation,
  { algorithm, protocol }: Choice,
  channels: number,
): number {
  switch (algorithm) {
    case "ring":
      return operation === "all-reduce"
        ? channels * ranks * chunkBytes[protocol]
        : channels * chunkBytes[protocol];
    case "tree":
      return channels * chunkBytes[protocol] * (ranksPerNode - 1 + Math.log2(nodes));
    case "nvls":
      return channels * Math.min(ranksPerNode, 8) * nvlsChunkBytes;
    case "nvls-tree":
      return (
        channels *
        Math.min(ranksPerNode, 8) *
        (nodes >= 4 ? 64 * 1024 : 2 * nvlsChunkBytes) *
        Math.log2(nodes)
      );
    case "pat":
      return 0;
  }
}

/** Nearly x while x is small against the limit, nearly the limit when it is large. */
function saturating(x: number, limit: number): number {
  return limit === 0 ? 0 : (x * limit) / (x + limit);
}
