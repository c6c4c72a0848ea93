import { assert } from "../../assert.ts";
import type { GpuRates } from "./gpus.ts";

/** PyTorch's native SyncBN kernels, in the order of a layer: statistics, normalise; reduce, dx. */
export type BatchNormKernel = "stats" | "elementwise" | "backward-reduce" | "backward-elementwise";

/** How activations lie in memory. */
export type MemoryLayout = "contiguous" | "channels-last";

/** How often a kernel reads or writes the activation (github.com/pytorch/pytorch, Normalization.cuh). */
const activationPasses: Readonly<Record<BatchNormKernel, number>> = {
  stats: 1,
  elementwise: 2,
  "backward-reduce": 2,
  "backward-elementwise": 3,
};

/** What one GPU's kernels reach, bytes per second. */
type Bandwidths = Readonly<Record<MemoryLayout, Readonly<Record<BatchNormKernel, number>>>>;

/**
 * Bandwidth that the kernels reach on 103 MB, [32, 256, 56, 56] in float32.
 *
 * Source: nsys averages of github.com/xwang233/code-snippet, syncbn-channels-last, made for
 * github.com/pytorch/pytorch/pull/46906; passes × 102.8 MB / time.
 */
const bandwidths: Readonly<Record<GpuRates["measuredKin"], Bandwidths>> = {
  v100: {
    contiguous: bandwidthsOf(181, 265, 311, 388),
    "channels-last": bandwidthsOf(160, 326, 260, 483),
  },
  a100: {
    contiguous: bandwidthsOf(181, 156, 202, 224),
    "channels-last": bandwidthsOf(120, 142, 175, 222),
  },
};

/** Memory bandwidth of the boards that were measured: V100 and A100 40 GB, data sheets. */
const measuredMemoryBandwidth: Readonly<Record<GpuRates["measuredKin"], number>> = {
  v100: 900e9,
  a100: 1555e9,
};

/**
 * What the two reductions reach for each channel in contiguous layout, where one block has one
 * channel, bytes per second: [32, 64, 112, 112] of the same table.
 */
const perChannelBandwidth: Readonly<
  Record<GpuRates["measuredKin"], Partial<Record<BatchNormKernel, number>>>
> = {
  v100: { stats: 102.8e6 / 415e-6 / 64, "backward-reduce": 205.5e6 / 478e-6 / 64 },
  a100: { stats: 102.8e6 / 529e-6 / 64, "backward-reduce": 205.5e6 / 491e-6 / 64 },
};

/** The shortest of these kernels: [4, 64, 16, 16] of the same table takes 2.3 to 4.0 µs. */
export const kernelFloorSeconds = 2.3e-6;

function bandwidthsOf(
  stats: number,
  elementwise: number,
  reduce: number,
  dx: number,
): Readonly<Record<BatchNormKernel, number>> {
  const of = (kernel: BatchNormKernel, microseconds: number): number =>
    (activationPasses[kernel] * 102.8e6) / (microseconds * 1e-6);
  return {
    stats: of("stats", stats),
    elementwise: of("elementwise", elementwise),
    "backward-reduce": of("backward-reduce", reduce),
    "backward-elementwise": of("backward-elementwise", dx),
  };
}

/** Bytes per second that a kernel reaches on a large activation: the kin's, scaled by data sheet bandwidth. */
export function batchNormBandwidth(
  kernel: BatchNormKernel,
  { measuredKin, memoryBytesPerSecond }: GpuRates,
  layout: MemoryLayout,
): number {
  const scale = memoryBytesPerSecond / measuredMemoryBandwidth[measuredKin];
  return scale * bandwidths[measuredKin][layout][kernel];
}

/**
 * Seconds of a native SyncBN kernel over an activation of that many bytes, without its launch.
 *
 * A floor plus traffic; reductions of few channels in contiguous layout leave most of the GPU idle.
 */
export function batchNormKernelSeconds(
  kernel: BatchNormKernel,
  activation: { readonly bytes: number; readonly channels: number },
  gpu: GpuRates,
  layout: MemoryLayout,
): number {
  const { bytes, channels } = activation;
  assert(bytes >= 0 && channels >= 1, `${kernel} over ${bytes} bytes of ${channels} channels`);
  const scale = gpu.memoryBytesPerSecond / measuredMemoryBandwidth[gpu.measuredKin];
  const ofOneChannel = layout === "contiguous" ? perChannelBandwidth[gpu.measuredKin][kernel] : undefined;
  const busy = scale * channels * (ofOneChannel ?? Number.POSITIVE_INFINITY);
  const bandwidth = Math.min(batchNormBandwidth(kernel, gpu, layout), busy);
  return kernelFloorSeconds + (activationPasses[kernel] * bytes) / bandwidth;
}

/**
 * Seconds of a fused BatchNorm kernel (cuDNN): the traffic of its two native kernels at the bandwidth
 * of the elementwise ones, which is what such kernels reach at best.
 */
export function fusedBatchNormSeconds(pass: "forward" | "backward", bytes: number, gpu: GpuRates): number {
  const passes = pass === "forward" ? 3 : 5;
  const kernel = pass === "forward" ? "elementwise" : "backward-elementwise";
  return kernelFloorSeconds + (passes * bytes) / batchNormBandwidth(kernel, gpu, "contiguous");
}
