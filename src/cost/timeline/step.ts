import { assert } from "../../assert.ts";
import type { FrameworkProfile } from "../frameworks/profile.ts";
import type { GpuRates } from "./gpus.ts";
import { gradientBuckets } from "./gradient-buckets.ts";
import { optimizerSeconds, type TimedLayer } from "./layer-kernels.ts";
import { type Jitter, type Slice, type Spent, Streams } from "./streams.ts";
import { type CollectiveSeconds, type CostScales, type Pace, runSyncPass } from "./sync-pass.ts";

/** A training step of one rank. */
export interface StepSetting {
  /** In the order of the forward pass. */
  readonly layers: readonly TimedLayer[];
  /** That are trained. */
  readonly parameters: number;
  readonly gpu: GpuRates;
  readonly profile: FrameworkProfile;
  readonly worldSize: number;
  /** Ranks that normalise together; 1: local BatchNorm, 0: no BatchNorm at all. */
  readonly groupRanks: number;
  /** Of synchronised layers. */
  readonly collectiveSeconds: CollectiveSeconds;
  /** Of an all-reduce of gradients over all ranks. */
  readonly gradientSeconds: (bytes: number) => number;
  readonly jitter: Jitter;
  readonly scales: CostScales;
  readonly pace: Pace;
}

/** How long a step takes and, for each synchronised layer, its share of the compute stream. */
export interface StepTime {
  readonly seconds: number;
  /** When the forward pass ends, on the slower of host and compute stream. */
  readonly forwardSeconds: number;
  readonly spent: Spent;
  /** By name of the BatchNorm: how far its two passes moved the compute stream on. */
  readonly layerSeconds: ReadonlyMap<string, number>;
}

/**
 * Run one training step: forward, backward with the gradients' all-reduce beside it, optimiser.
 *
 * Not modelled: data loading, the loss, gradient scaling, DDP's broadcast of buffers, and how collectives slow
 * down kernels that run at the same time.
 */
export function stepTime(setting: StepSetting, record?: (slice: Slice) => void): StepTime {
  const { layers, groupRanks, worldSize, pace } = setting;
  assert(groupRanks <= worldSize, `a group of ${groupRanks} among ${worldSize} ranks`);
  const streams = new Streams(setting.jitter, record);
  const layerSeconds = new Map<string, number>();
  const pass = (timed: TimedLayer, which: "forward" | "backward"): void => {
    const before = streams.computeSeconds;
    runLayer(streams, timed, which, setting);
    const { kind, name } = timed.layer;
    if (kind !== "batch-norm") return;
    layerSeconds.set(name, (layerSeconds.get(name) ?? 0) + streams.computeSeconds - before);
  };
  for (const layer of layers) pass(layer, "forward");
  const forwardSeconds = Math.max(streams.hostSeconds, streams.computeSeconds);
  runBackward(streams, setting, (layer) => pass(layer, "backward"));
  const optimizer = pace.layers * optimizerSeconds(setting.parameters, setting.gpu);
  streams.launch("optimizer", "step", optimizer, optimizerLaunch(setting));
  return { seconds: streams.endSeconds(), forwardSeconds, spent: streams.spent, layerSeconds };
}

/** A fused optimiser launches in chunks of tensors; ten launches stand for them. */
function optimizerLaunch({ profile, pace }: StepSetting): number {
  return 10 * pace.rest * profile.kernelLaunchSeconds;
}

function runBackward(streams: Streams, setting: StepSetting, pass: (layer: TimedLayer) => void): void {
  const { layers, profile, worldSize } = setting;
  const buckets = worldSize > 1 ? gradientBuckets(layers, profile.gradients) : [];
  let next = 0;
  const launchSeconds = setting.pace.rest * profile.collectiveLaunchSeconds;
  const leave = (): void => {
    const seconds = setting.gradientSeconds(buckets[next]!.bytes);
    streams.startCollective({ owner: "gradients", what: "all-reduce", seconds, launchSeconds }, worldSize);
    next++;
  };
  for (let index = layers.length - 1; index >= 0; index--) {
    pass(layers[index]!);
    while (profile.gradients.overlapsBackward && buckets[next]?.afterLayer === index) leave();
  }
  while (next < buckets.length) leave();
  streams.joinCommunication();
}

function runLayer(
  streams: Streams,
  timed: TimedLayer,
  pass: "forward" | "backward",
  setting: StepSetting,
): void {
  const { profile, groupRanks, pace } = setting;
  if (timed.layer.kind === "batch-norm" && groupRanks !== 1) {
    const isWorld = groupRanks === setting.worldSize;
    if (groupRanks > 1) runSyncPass(streams, timed, pass, { ...setting, isWorld });
    return;
  }
  const launchSeconds = pace.rest * profile.kernelLaunchSeconds;
  const factor = timed.layer.kind === "batch-norm" ? pace.rest : pace.layers;
  for (const seconds of timed[pass]) streams.launch(timed.layer.name, pass, factor * seconds, launchSeconds);
}
