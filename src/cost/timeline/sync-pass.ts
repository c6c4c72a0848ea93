import { assert } from "../../assert.ts";
import { type FrameworkProfile, payloadBytes } from "../frameworks/profile.ts";
import type { Layer } from "../models/model.ts";
import { kernelFloorSeconds } from "./batch-norm-kernels.ts";
import type { TimedLayer } from "./layer-kernels.ts";
import type { Streams } from "./streams.ts";

/**
 * Seconds of a collective over `ranks` ranks. Bytes as nccl-tests counts them: the buffer of an
 * all-reduce, the total over ranks of an all-gather.
 */
export type CollectiveSeconds = (
  operation: "all-reduce" | "all-gather",
  bytes: number,
  ranks: number,
) => number;

/** How much of each cause of cost counts; switching causes on one by one attributes the total. */
export interface CostScales {
  /** Multiplies the time of native SyncBN kernels; 1 as measured. */
  readonly kernels: number;
  /** Multiplies the time of collectives; 1 as modelled. */
  readonly wire: number;
  /** Multiplies what the host spends on synchronised layers beyond local ones; 1 as modelled. */
  readonly launch: number;
  /** Whether the host waits for the device where the framework does. */
  readonly hostSync: boolean;
  /** Whether ranks wait for the slowest at synchronised layers. */
  readonly skew: boolean;
}

/** Factors on modelled times, to meet a measured step; 1: as modelled. */
export interface Pace {
  /** On the kernels of all layers but BatchNorm, which are the least certain. */
  readonly layers: number;
  /** On kernels of BatchNorm, which were measured, and on launches. */
  readonly rest: number;
}

/** A synchronised layer and what it runs in. */
export interface SyncSetting {
  readonly profile: FrameworkProfile;
  readonly collectiveSeconds: CollectiveSeconds;
  readonly scales: CostScales;
  readonly groupRanks: number;
  readonly isWorld: boolean;
  readonly pace: Pace;
}

/**
 * Seconds that the kernel of PyTorch takes for each rank whose statistics it merges: a square root, a few
 * divisions and two loads that do not depend on one another, in a loop over ranks. An
 * estimate from reading Normalization.cuh, not a measurement.
 */
const mergeSecondsPerRank = 30e-9;

/** A device-to-device copy of a few kilobytes: about as long as the shortest kernel. */
const copySeconds = kernelFloorSeconds;

/** Host threads of one process that meet at a barrier and read each other's numbers (MXNet). Set, not measured. */
const hostExchangeSeconds = 30e-6;

/** One pass of a layer that a group normalises together. */
export function runSyncPass(
  streams: Streams,
  { layer, synchronized }: TimedLayer,
  pass: "forward" | "backward",
  setting: SyncSetting,
): void {
  assert(synchronized !== null, `${layer.name}, a ${layer.kind}, has nothing to synchronise`);
  const { profile, scales, groupRanks, pace } = setting;
  const launchSeconds = pace.rest * profile.kernelLaunchSeconds;
  const own = profile[pass];
  const [before, after] = synchronized[pass];
  const measured = pace.rest * scales.kernels;
  // The fused kernel that this pass replaces has one launch; only what is beyond it is the synchronisation's.
  streams.launch(layer.name, "statistics", measured * before, launchSeconds);
  exchange(streams, layer, pass, setting);
  const copies = own.copiesPerRank * groupRanks;
  const small = own.extraKernels + copies;
  const merge = own.mergesRanks ? mergeSecondsPerRank * groupRanks : 0;
  streams.launch(
    layer.name,
    "copies and merge",
    pace.rest * (own.extraKernels * kernelFloorSeconds + copies * copySeconds + merge),
    scales.launch * small * launchSeconds,
  );
  if (scales.hostSync)
    for (let i = 0; i < own.hostSyncs; i++)
      streams.drain(layer.name, "host sync", pace.rest * profile.hostSyncSeconds);
  streams.launch(layer.name, pass, measured * after, scales.launch * launchSeconds);
}

/** Negotiate where the framework does, then the collectives, or the exchange through host memory. */
function exchange(streams: Streams, layer: Layer, pass: "forward" | "backward", setting: SyncSetting): void {
  const { profile, scales, groupRanks, isWorld, pace, collectiveSeconds } = setting;
  const owner = layer.name;
  const launchSeconds = pace.rest * scales.launch * profile.collectiveLaunchSeconds;
  // Where the collectives do not wait for each other, nor do they reset what is drifting apart.
  const ranks = scales.skew ? groupRanks : 1;
  const queues = isWorld && profile.sharesCommunicator;
  if (profile.negotiation !== null) {
    const { cycles, cycleSeconds } = profile.negotiation;
    streams.drain(owner, "ready", 0);
    streams.work(owner, "negotiation", scales.launch * cycles * cycleSeconds);
  }
  if (profile.exchangesThroughHost) {
    streams.drain(owner, "copy to host", 0);
    const seconds = scales.wire * hostExchangeSeconds;
    streams.barrier({ owner, what: "exchange through host", seconds, launchSeconds }, ranks, queues);
  }
  for (const collective of profile[pass].collectives) {
    const payload = payloadBytes(collective, layer.channels);
    const bytes = collective.operation === "all-gather" ? payload * groupRanks : payload;
    const seconds = scales.wire * collectiveSeconds(collective.operation, bytes, groupRanks);
    streams.barrier({ owner, what: collective.operation, seconds, launchSeconds }, ranks, queues);
  }
}
