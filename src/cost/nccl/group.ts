import type { Cluster } from "../cluster.ts";
import { type BandwidthCaps, bandwidthCaps } from "./bandwidth-tables.ts";
import { type Generation, generationOf } from "./generation.ts";
import { type LatencyTables, latencyTables } from "./latency-tables.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { minorVersion } from "./version.ts";

/** Everything about a communicator that does not depend on the collective or its size. */
export interface CommunicatorGroup {
  readonly cluster: Cluster;
  readonly generation: Generation;
  readonly nodes: number;
  readonly ranksPerNode: number;
  readonly ranks: number;
  /** Minor version of NCCL 2. */
  readonly minor: number;
  readonly layout: Layout;
  readonly caps: BandwidthCaps;
  readonly tables: LatencyTables;
}

/** The communicator of the first `ranksPerNode` GPUs of each of `nodes` nodes. */
export function communicatorGroup(
  cluster: Cluster,
  nodes: number,
  ranksPerNode: number,
  ncclVersion: string | undefined,
): CommunicatorGroup {
  const minor = minorVersion(ncclVersion ?? cluster.nccl);
  return {
    cluster,
    generation: generationOf(cluster),
    nodes,
    ranksPerNode,
    ranks: nodes * ranksPerNode,
    minor,
    layout: layoutOf(cluster, nodes, ranksPerNode),
    caps: bandwidthCaps(cluster, nodes, minor),
    tables: latencyTables(minor),
  };
}
