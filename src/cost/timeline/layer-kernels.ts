import { assert } from "../../assert.ts";
import type { Layer, LayerKind } from "../models/model.ts";
import {
  type BatchNormKernel,
  batchNormBandwidth,
  batchNormKernelSeconds,
  fusedBatchNormSeconds,
  kernelFloorSeconds,
  type MemoryLayout,
} from "./batch-norm-kernels.ts";
import type { GpuRates, Precision } from "./gpus.ts";

/** What the kernels of one rank run on and with. */
export interface KernelSetting {
  readonly gpu: GpuRates;
  readonly precision: Precision;
  /** Samples of one rank. */
  readonly microbatch: number;
  readonly layout: MemoryLayout;
}

/** A layer and its kernels, in order and without launches; those of a BatchNorm are the fused ones of a local one. */
export interface TimedLayer {
  readonly layer: Layer;
  /** Seconds of each kernel. */
  readonly forward: readonly number[];
  readonly backward: readonly number[];
  /** The kernel before and the one after the collectives of each pass of a synchronised BatchNorm; null for others. */
  readonly synchronized: {
    readonly forward: readonly [number, number];
    readonly backward: readonly [number, number];
  } | null;
}

/**
 * Share of the peak rate that dense kernels reach.
 *
 * Set so that ResNet-50 trains as fast as NVIDIA publishes for one GPU at batch 256 (112 for float32):
 * A100-80G 938 images/s in TF32 and 2470 in AMP, V100-16G 367 in float32 and 1200 in AMP
 * (github.com/NVIDIA/DeepLearningExamples, PyTorch/Classification/ConvNets). What `normsim validate`
 * prints for those rows is the misfit; other GPUs and models take the same shares.
 */
const denseShare: Readonly<Record<Precision, number>> = { fp32: 0.8, tf32: 0.26, amp: 0.42 };

/**
 * Share of the memory bandwidth that depthwise convolutions reach: they do little arithmetic but
 * read each value for every tap. Set on EfficientNet-B0 of the same source.
 */
const depthwiseShare = 0.1;

/** Time the kernels of every layer. */
export function timeLayers(layers: readonly Layer[], setting: KernelSetting): TimedLayer[] {
  return layers.map((layer) => {
    if (layer.kind !== "batch-norm") return { layer, ...layerKernels(layer, setting), synchronized: null };
    const bytes = setting.microbatch * layer.outputElements * bytesPerElement(setting.precision);
    const synchronized = nativeBatchNorm(layer, bytes, setting);
    return { layer, ...fusedBatchNorm(bytes, setting), synchronized };
  });
}

/** Seconds of the kernels of both passes. */
interface KernelSeconds {
  readonly forward: readonly number[];
  readonly backward: readonly number[];
}

function fusedBatchNorm(bytes: number, { gpu }: KernelSetting): KernelSeconds {
  return {
    forward: [fusedBatchNormSeconds("forward", bytes, gpu)],
    backward: [fusedBatchNormSeconds("backward", bytes, gpu)],
  };
}

function nativeBatchNorm(
  { channels }: Layer,
  bytes: number,
  { gpu, layout }: KernelSetting,
): NonNullable<TimedLayer["synchronized"]> {
  const seconds = (kernel: BatchNormKernel): number =>
    batchNormKernelSeconds(kernel, { bytes, channels }, gpu, layout);
  return {
    forward: [seconds("stats"), seconds("elementwise")],
    backward: [seconds("backward-reduce"), seconds("backward-elementwise")],
  };
}

function bytesPerElement(precision: Precision): number {
  return precision === "amp" ? 2 : 4;
}

/** Layers whose backward pass is two products like the forward one, for the input and for the weights. */
type ProductKind = "convolution" | "depthwise-convolution" | "linear" | "attention";

/** How often the backward pass of other layers moves what the forward pass moved. */
const backwardTraffic: Readonly<Record<Exclude<LayerKind, "batch-norm" | ProductKind>, number>> = {
  embedding: 1,
  "frozen-batch-norm": 1,
  "layer-norm": 2, // reads x and dy twice, writes dx
  activation: 1.5, // reads y and dy, writes dx
  pooling: 1,
  add: 1, // the gradients of both branches meet where they forked
  multiply: 1.5,
  concatenate: 1,
  upsample: 1,
};

/**
 * Kernel times of a layer: the larger of arithmetic and memory traffic, and never below the floor.
 *
 * Not modelled: fusion, algorithm choice, tensor core shape rules, the L2 cache.
 */
function layerKernels(layer: Layer, { gpu, precision, microbatch }: KernelSetting): KernelSeconds {
  const { kind, inputElements, outputElements, parameters, forwardFlops } = layer;
  assert(kind !== "batch-norm", `${layer.name}: a BatchNorm is timed by its own kernels`);
  const isDepthwise = kind === "depthwise-convolution";
  const bandwidth = batchNormBandwidth("elementwise", gpu, "contiguous") * (isDepthwise ? depthwiseShare : 1);
  const traffic = (microbatch * (inputElements + outputElements) + parameters) * bytesPerElement(precision);
  // The rate of dense products says nothing about depthwise ones.
  const arithmeticSeconds = isDepthwise ? 0 : (microbatch * forwardFlops) / denseFlops(gpu, precision);
  const seconds = (times: number): number =>
    kernelFloorSeconds + Math.max(arithmeticSeconds, (times * traffic) / bandwidth);
  const forward = [seconds(1)];
  if (layer.isFrozen) return { forward, backward: [] };
  return { forward, backward: isProduct(kind) ? [seconds(1), seconds(1)] : [seconds(backwardTraffic[kind])] };
}

function isProduct(kind: LayerKind): kind is ProductKind {
  return ["convolution", "depthwise-convolution", "linear", "attention"].includes(kind);
}

/** What dense kernels reach, operations per second. TF32 on a GPU without it is float32, as in cuDNN. */
function denseFlops({ peakFlops }: GpuRates, precision: Precision): number {
  if (precision === "tf32" && peakFlops.tf32 !== null) return denseShare.tf32 * peakFlops.tf32;
  return precision === "amp" ? denseShare.amp * peakFlops.amp : denseShare.fp32 * peakFlops.fp32;
}

/** Seconds that SGD with momentum moves weights, gradients and momenta: 3 reads, 2 writes in float32. */
export function optimizerSeconds(parameters: number, gpu: GpuRates): number {
  return kernelFloorSeconds + (5 * 4 * parameters) / batchNormBandwidth("elementwise", gpu, "contiguous");
}
