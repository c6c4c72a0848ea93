/** How GPUs compute: `fp32` without tensor cores, `tf32` on them, `amp` in half precision on them. */
export type Precision = "fp32" | "tf32" | "amp";

/** The precisions of an estimate. */
export const precisions: readonly Precision[] = ["fp32", "tf32", "amp"];

/** What limits the kernels of one GPU. */
export interface GpuRates {
  /** Data sheet. */
  readonly memoryBytesPerSecond: number;
  /** Data sheet, dense, multiply and add counted apart; tf32 is null where the GPU has none. */
  readonly peakFlops: { readonly fp32: number; readonly tf32: number | null; readonly amp: number };
  /** The GPU whose measured SyncBN kernels stand for this one's, scaled by memory bandwidth. */
  readonly measuredKin: "v100" | "a100";
}

/**
 * Memory bandwidth and dense peak rates by GPU, and whose measured kernels it is like.
 *
 * Source: vendors' data sheets, of the SXM boards where there are any (V100 16 GB, A100 80 GB), and Google's
 * TPU pages. A TPU multiplies in bfloat16: its fp32 and tf32 are taken as six and three passes of it.
 */
const rates: Readonly<Record<string, GpuRates>> = {
  p100: gpu(732e9, 10.6e12, null, 21.2e12, "v100"),
  v100: gpu(900e9, 15.7e12, null, 125e12, "v100"),
  t4: gpu(320e9, 8.1e12, null, 65e12, "v100"),
  rtx2080ti: gpu(616e9, 13.4e12, null, 53.8e12, "v100"),
  a100: gpu(2039e9, 19.5e12, 156e12, 312e12, "a100"),
  a10: gpu(600e9, 31.2e12, 62.5e12, 125e12, "a100"),
  rtx3090: gpu(936e9, 35.6e12, 35.6e12, 71e12, "a100"),
  l4: gpu(300e9, 30.3e12, 60e12, 121e12, "a100"),
  l40s: gpu(864e9, 91.6e12, 183e12, 362e12, "a100"),
  rtx4070ti: gpu(504e9, 40.1e12, 40.1e12, 80.2e12, "a100"),
  rtx4090: gpu(1008e9, 82.6e12, 82.6e12, 165.2e12, "a100"),
  rtx5090: gpu(1792e9, 104.8e12, 104.8e12, 209.5e12, "a100"),
  gb10: gpu(273e9, 31e12, 53e12, 106e12, "a100"),
  h20: gpu(4000e9, 44e12, 74e12, 148e12, "a100"),
  h100: gpu(3350e9, 67e12, 495e12, 989e12, "a100"),
  gh200: gpu(4000e9, 67e12, 495e12, 989e12, "a100"),
  h200: gpu(4800e9, 67e12, 495e12, 989e12, "a100"),
  b200: gpu(8000e9, 80e12, 1100e12, 2250e12, "a100"),
  gb200: gpu(8000e9, 80e12, 1250e12, 2500e12, "a100"),
  gb300: gpu(8000e9, 77e12, 1250e12, 2500e12, "a100"),
  "tpu-v4": gpu(1228e9, 46e12, 92e12, 275e12, "a100"),
  "tpu-v5p": gpu(2765e9, 76e12, 153e12, 459e12, "a100"),
};

function gpu(
  memoryBytesPerSecond: number,
  fp32: number,
  tf32: number | null,
  amp: number,
  measuredKin: GpuRates["measuredKin"],
): GpuRates {
  return { memoryBytesPerSecond, peakFlops: { fp32, tf32, amp }, measuredKin };
}

/** GPUs whose kernels can be timed. */
export const timedGpus: readonly string[] = Object.keys(rates);

/** The rates of a GPU, or undefined if it is none of `timedGpus`. */
export function gpuRates(name: string): GpuRates | undefined {
  return Object.hasOwn(rates, name) ? rates[name] : undefined;
}
