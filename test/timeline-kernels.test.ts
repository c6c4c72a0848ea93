import { expect, test } from "vitest";
import { knownGpus } from "../src/cost/clusters/gpus.ts";
import { scalesAt } from "../src/cost/estimate/uncertainty.ts";
import {
  type BatchNormKernel,
  batchNormKernelSeconds,
  fusedBatchNormSeconds,
  kernelFloorSeconds,
  type MemoryLayout,
} from "../src/cost/timeline/batch-norm-kernels.ts";
import { type GpuRates, gpuRates } from "../src/cost/timeline/gpus.ts";

const kernels = ["stats", "elementwise", "backward-reduce", "backward-elementwise"] as const;

/** Microseconds of stats, elementwise, backward-reduce and backward-elementwise: contiguous, channels-last. */
type Times = readonly [readonly number[], readonly number[]];

// Oracle: nsys averages of native SyncBN kernels in float32,
// https://github.com/xwang233/code-snippet/tree/master/syncbn-channels-last (made for pytorch pull request 46906).
const published: readonly { shape: readonly [number, number, number, number]; v100: Times; a100: Times }[] = [
  {
    shape: [32, 64, 112, 112],
    v100: [
      [415, 276, 478, 395],
      [157, 262, 297, 381],
    ],
    a100: [
      [529, 159, 491, 229],
      [141, 143, 167, 222],
    ],
  },
  {
    shape: [32, 256, 56, 56],
    v100: [
      [181, 265, 311, 388],
      [160, 326, 260, 483],
    ],
    a100: [
      [181, 156, 202, 224],
      [120, 142, 175, 222],
    ],
  },
  {
    shape: [32, 512, 32, 32],
    v100: [
      [118, 171, 203, 255],
      [122, 200, 177, 303],
    ],
    a100: [
      [111, 96, 141, 142],
      [97, 87, 124, 141],
    ],
  },
  {
    shape: [32, 1024, 16, 16],
    v100: [
      [69, 82, 93, 124],
      [66, 101, 96, 151],
    ],
    a100: [
      [59, 45, 69, 67],
      [54, 39, 73, 70],
    ],
  },
  {
    shape: [32, 2048, 16, 16],
    v100: [
      [120, 165, 180, 251],
      [119, 200, 176, 306],
    ],
    a100: [
      [99, 94, 119, 140],
      [93, 88, 121, 142],
    ],
  },
];

/** The A100 that was measured has 40 GB at 1555 GB/s, not 80 at 2039. */
const measuredGpus: Readonly<Record<"v100" | "a100", GpuRates>> = {
  v100: gpuRates("v100")!,
  a100: { ...gpuRates("a100")!, memoryBytesPerSecond: 1555e9 },
};

/** The ends of the band that an estimate takes for these kernels: all 80 published times are to be inside. */
const [bandLow, bandHigh] = [scalesAt("low").kernels, scalesAt("high").kernels];

for (const gpu of ["v100", "a100"] as const) {
  for (const { shape, ...times } of published) {
    for (const [index, layout] of (["contiguous", "channels-last"] as const).entries()) {
      test(`SyncBN kernels on ${gpu}, ${layout} [${shape.join(", ")}], are within the band of the published ones`, () => {
        const ratios = kernels.map((kernel, k) => ratio(kernel, times[gpu][index]![k]!, shape, layout, gpu));
        for (const [k, value] of ratios.entries()) {
          expect(value, kernels[k]).toBeGreaterThan(bandLow);
          expect(value, kernels[k]).toBeLessThan(bandHigh);
        }
      });
    }
  }
}

function ratio(
  kernel: BatchNormKernel,
  microseconds: number,
  [samples, channels, height, width]: readonly [number, number, number, number],
  layout: MemoryLayout,
  gpu: "v100" | "a100",
): number {
  const bytes = 4 * samples * channels * height * width;
  const seconds = batchNormKernelSeconds(kernel, { bytes, channels }, measuredGpus[gpu], layout);
  return seconds / (microseconds * 1e-6);
}

test("a kernel over nothing takes the floor, and traffic adds to it in proportion", () => {
  const gpu = measuredGpus.v100;
  const seconds = (bytes: number): number =>
    batchNormKernelSeconds("elementwise", { bytes, channels: 256 }, gpu, "contiguous");
  // Invariant of a line: equal steps in bytes are equal steps in time.
  expect(seconds(0)).toBe(kernelFloorSeconds);
  expect((seconds(2e8) - seconds(0)) / (seconds(1e8) - seconds(0))).toBeCloseTo(2, 9);
});

test("twice the memory bandwidth halves what is above the floor", () => {
  const slow = measuredGpus.a100;
  const fast = { ...slow, memoryBytesPerSecond: 2 * slow.memoryBytesPerSecond };
  const above = (gpu: GpuRates): number => fusedBatchNormSeconds("backward", 1e8, gpu) - kernelFloorSeconds;
  expect(above(slow) / above(fast)).toBeCloseTo(2, 9);
});

test("every GPU that a cluster may have can be timed", () => {
  expect(knownGpus.filter((name) => gpuRates(name) === undefined)).toEqual([]);
});
