import type { Cluster } from "../cluster.ts";

/** Collectives that NCCL's tuner is modelled for. */
export const collectiveOperations = ["all-reduce", "all-gather", "reduce-scatter", "broadcast"] as const;
export type CollectiveOperation = (typeof collectiveOperations)[number];

/** Algorithms in the order in which NCCL tries them: on a tie the earlier one stays. */
export const algorithms = ["tree", "ring", "nvls", "nvls-tree", "pat"] as const;
export type Algorithm = (typeof algorithms)[number];

/** Protocols in the order in which NCCL tries them. */
export const protocols = ["LL", "LL128", "Simple"] as const;
export type Protocol = (typeof protocols)[number];

/** One collective on the first `nodes` nodes of a cluster, `gpusPerNode` ranks on each. */
export interface CollectiveRequest {
  readonly cluster: Cluster;
  readonly operation: CollectiveOperation;
  readonly nodes: number;
  readonly gpusPerNode: number;
  /** As nccl-tests counts: the buffer; for all-gather and reduce-scatter the total over ranks. */
  readonly bytes: number;
  /** Such as `2.26`; absent: the cluster's, else the newest that is modelled. */
  readonly ncclVersion?: string;
  /** As NCCL_ALGO would; absent: the tuner chooses. */
  readonly algorithm?: Algorithm;
  /** As NCCL_PROTO would; absent: the tuner chooses. */
  readonly protocol?: Protocol;
}
