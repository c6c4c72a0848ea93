import { type Axis, type Extent, indexSetsOf } from "../../src/kernels/index-sets.ts";
import { createKernelMemory, createWasmKernels, descriptionBytes } from "../../src/kernels/wasm.ts";
import type { Figure } from "./figures.ts";
import { medianSeconds } from "./median.ts";

const rounds = 9;
const dataStart = 131_072;

const shapes: readonly { name: string; extent: Extent; reduces: readonly Axis[] }[] = [
  {
    name: "BN (32, 64, 56, 56)",
    extent: { samples: 32, channels: 64, positions: 3136 },
    reduces: ["samples", "positions"],
  },
  {
    name: "BN (32, 256, 14, 14)",
    extent: { samples: 32, channels: 256, positions: 196 },
    reduces: ["samples", "positions"],
  },
  {
    name: "BN (8, 2048, 7, 7)",
    extent: { samples: 8, channels: 2048, positions: 49 },
    reduces: ["samples", "positions"],
  },
  {
    name: "BN tokens (4096, 768)",
    extent: { samples: 4096, channels: 768, positions: 1 },
    reduces: ["samples", "positions"],
  },
  {
    name: "LN tokens (4096, 768)",
    extent: { samples: 4096, channels: 768, positions: 1 },
    reduces: ["channels"],
  },
];

/** Mean and m2 of float32 data: GB/s of input, and how many times as fast as a plain JavaScript loop. */
export async function benchMoments(): Promise<Figure[]> {
  const figures: Figure[] = [];
  console.log("moments, float32");
  for (const { name, extent, reduces } of shapes) {
    const elements = extent.samples * extent.channels * extent.positions;
    const sets = indexSetsOf(extent, reduces);
    const memory = createKernelMemory(dataStart + elements * 4 + 3 * sets.setCount * 8 + 64);
    const kernels = await createWasmKernels(
      memory,
      new Int32Array(memory.buffer, 1024, descriptionBytes(1) / 4),
    );
    const x = new Float32Array(memory.buffer, dataStart, elements);
    for (let i = 0; i < elements; i++) x[i] = Math.sin(i * 0.7) * 3 + 1;
    const arrays = Math.ceil((dataStart + elements * 4) / 8) * 8;
    const mean = new Float64Array(memory.buffer, arrays, sets.setCount);
    const count = new Float64Array(memory.buffer, arrays + sets.setCount * 16, sets.setCount);
    const m2 = new Float64Array(memory.buffer, arrays + sets.setCount * 8, sets.setCount);
    const simd = medianSeconds(rounds, () => kernels.moments({ x, mask: null }, sets, { count, mean, m2 }));
    const loop = medianSeconds(3, () => plainLoop(x, extent, reduces[0] === "channels", mean, m2));
    figures.push({
      title: `moments, ${name}`,
      wallSeconds: simd,
      peer: "a plain loop",
      peerWallSeconds: loop,
      ratio: loop / simd,
    });
    const gigabytes = (elements * 4) / 1e9;
    console.log(
      `  ${name.padEnd(24)} ${(gigabytes / simd).toFixed(2).padStart(6)} GB/s  ${(loop / simd).toFixed(1).padStart(5)}x a plain loop`,
    );
  }
  console.log();
  return figures;
}

/** The peer: what one writes in JavaScript without kernels. */
function plainLoop(
  x: Float32Array,
  extent: Extent,
  byToken: boolean,
  mean: Float64Array,
  m2: Float64Array,
): void {
  const { samples, channels, positions } = extent;
  const setOf = (n: number, c: number, p: number): number => (byToken ? n * positions + p : c);
  mean.fill(0);
  m2.fill(0);
  const count = x.length / mean.length;
  for (let pass = 0; pass < 2; pass++) {
    let i = 0;
    for (let n = 0; n < samples; n++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < positions; p++, i++) {
          const set = setOf(n, c, p);
          if (pass === 0) mean[set]! += x[i]! / count;
          else m2[set]! += (x[i]! - mean[set]!) ** 2;
        }
      }
    }
  }
}
