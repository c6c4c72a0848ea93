/** What a collective needs to know of a GPU or a TPU chip. */
export interface Gpu {
  /** CUDA compute capability times 10; 0: not a GPU. */
  readonly computeCapability: number;
  /** All its NVLinks (ICI: one link of a torus axis), one direction; 0: it has none. */
  readonly linkBandwidthBytesPerSecond: number;
}

/**
 * GPUs by the name that `Cluster.gpu` uses.
 *
 * Sources: compute capability from NVIDIA's table (developer.nvidia.com/cuda-gpus). NVLink from the data
 * sheets of the SXM boards, whose pages print both directions: V100 6 x 25 GB/s, A100 12 x 25, H100, H200, H20
 * and GH200 18 x 25, B200, GB200 and GB300 18 x 50. ICI per link and direction: v4 45 GB/s, v5p 90 GB/s
 * (jax-ml.github.io/scaling-book/tpus).
 */
const gpus: Readonly<Record<string, Gpu>> = {
  v100: { computeCapability: 70, linkBandwidthBytesPerSecond: 150e9 },
  a100: { computeCapability: 80, linkBandwidthBytesPerSecond: 300e9 },
  h100: { computeCapability: 90, linkBandwidthBytesPerSecond: 450e9 },
  h200: { computeCapability: 90, linkBandwidthBytesPerSecond: 450e9 },
  b200: { computeCapability: 100, linkBandwidthBytesPerSecond: 900e9 },
  gb200: { computeCapability: 100, linkBandwidthBytesPerSecond: 900e9 },
  gb300: { computeCapability: 103, linkBandwidthBytesPerSecond: 900e9 },
  h20: { computeCapability: 90, linkBandwidthBytesPerSecond: 450e9 },
  gh200: { computeCapability: 90, linkBandwidthBytesPerSecond: 450e9 },
  t4: { computeCapability: 75, linkBandwidthBytesPerSecond: 0 },
  l4: { computeCapability: 89, linkBandwidthBytesPerSecond: 0 },
  l40s: { computeCapability: 89, linkBandwidthBytesPerSecond: 0 },
  a10: { computeCapability: 86, linkBandwidthBytesPerSecond: 0 },
  rtx2080ti: { computeCapability: 75, linkBandwidthBytesPerSecond: 0 },
  rtx3090: { computeCapability: 86, linkBandwidthBytesPerSecond: 0 },
  rtx4070ti: { computeCapability: 89, linkBandwidthBytesPerSecond: 0 },
  rtx4090: { computeCapability: 89, linkBandwidthBytesPerSecond: 0 },
  rtx5090: { computeCapability: 120, linkBandwidthBytesPerSecond: 0 },
  gb10: { computeCapability: 121, linkBandwidthBytesPerSecond: 0 },
  "tpu-v4": { computeCapability: 0, linkBandwidthBytesPerSecond: 45e9 },
  "tpu-v5p": { computeCapability: 0, linkBandwidthBytesPerSecond: 90e9 },
};

/** Names that `Cluster.gpu` may have. */
export const knownGpus: readonly string[] = Object.keys(gpus);

/** The GPU of that name, undefined if it is none of `knownGpus`. */
export function gpuOf(name: string): Gpu | undefined {
  return Object.hasOwn(gpus, name) ? gpus[name] : undefined;
}

/** Whether a cluster is made of TPU chips, which NCCL does not run on. */
export function isTpu(name: string): boolean {
  return gpuOf(name)?.computeCapability === 0;
}
