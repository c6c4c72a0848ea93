/** A collective that SyncBN issues: one rank contributes valuesPerChannel · C + values numbers in float32. */
export interface LayerCollective {
  readonly operation: "all-reduce" | "all-gather";
  readonly valuesPerChannel: number;
  /** Beside those of the channels, such as the count. */
  readonly values: number;
}

/** What one pass of one synchronised layer does beside its two normalisation kernels. */
export interface SyncPass {
  /** Issued together, one after the other. */
  readonly collectives: readonly LayerCollective[];
  /** Small kernels around them: concatenate, split, index, fill. */
  readonly extraKernels: number;
  /** Copies for every rank of the group, as list-style gathers make: each is allocated and launched. */
  readonly copiesPerRank: number;
  /** Waits of the host for the compute stream after the collectives. */
  readonly hostSyncs: number;
  /** Whether the statistics of the ranks are merged one by one in a kernel. */
  readonly mergesRanks: boolean;
}

/** How gradients are averaged: in buckets in the order of the backward pass. */
export interface GradientBuckets {
  readonly firstBucketBytes: number;
  readonly bucketBytes: number;
  /** Whether a bucket leaves as soon as it is full; otherwise all leave after the backward pass. */
  readonly overlapsBackward: boolean;
}

/** How a framework runs a training step and synchronises a BatchNorm. */
export interface FrameworkProfile {
  readonly name: string;
  /** Framework and versions, for a reader. */
  readonly title: string;
  /** Where the pattern was read. */
  readonly source: string;
  /** Of the host thread, for one operation that launches one kernel. */
  readonly kernelLaunchSeconds: number;
  /** Of the host thread, for one collective. */
  readonly collectiveLaunchSeconds: number;
  /** Of the host thread, to find that the device is done. */
  readonly hostSyncSeconds: number;
  readonly forward: SyncPass;
  readonly backward: SyncPass;
  /** Whether its collectives queue with the gradient buckets when the group is the world. */
  readonly sharesCommunicator: boolean;
  /** Cycles that every set of collectives waits for before it starts, and how long one is. */
  readonly negotiation: { readonly cycles: number; readonly cycleSeconds: number } | null;
  /** Whether the ranks exchange through host memory of one process, without collectives. */
  readonly exchangesThroughHost: boolean;
  /** Which groups of ranks can synchronise: any block, only all ranks. */
  readonly groups: "any" | "world";
  readonly layout: "contiguous" | "channels-last";
  readonly gradients: GradientBuckets;
}

/** Bytes that one rank contributes to a collective for a layer of that many channels. */
export function payloadBytes({ valuesPerChannel, values }: LayerCollective, channels: number): number {
  return 4 * (valuesPerChannel * channels + values);
}
