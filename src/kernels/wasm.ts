import { assert } from "../assert.ts";
import type { BlockKernels } from "./blocks.ts";
import { type IndexSets, loopCount } from "./index-sets.ts";
import type { Activation, FloatArray, Kernels, NormalDraws, NormalSource } from "./kernels.ts";
import { kernelsWasm } from "./kernels-wasm.ts";
import { assertProduct, runsAlongInner } from "./matrix.ts";
import { hasLanes, leaveOut, liesInSets, runsAlongChannels } from "./order.ts";
import { countValues } from "./set-counts.ts";
import { twoPassMoments } from "./two-pass.ts";

/** Shared WebAssembly memory, at most 4 GiB; all arrays given to the kernels are views of its buffer. */
export interface KernelMemory {
  readonly buffer: SharedArrayBuffer;
}

const pageBytes = 65_536;
const pagesMaximum = 65_536;

/** The most bytes one memory can hold. */
export const memoryBytesMaximum: number = pageBytes * pagesMaximum;

/** Three float32 for each of the columns that are worked on at once (COLUMNS of assembly/lanes.ts). */
const columnBytes = 3 * (4096 + 512) * Float32Array.BYTES_PER_ELEMENT;

/** State of assembly/normals.ts, and room for one normal. */
const drawsBytes = 40;

/** Bytes that `createWasmKernels` needs for itself and the descriptions of `count` different index sets. */
export function descriptionBytes(count: number): number {
  return columnBytes + drawsBytes + count * loopCount * 4 * Int32Array.BYTES_PER_ELEMENT;
}

/** Memory of at least `bytes`, zeroed, that threads can share. Pages are committed when they are touched. */
export function createKernelMemory(bytes: number): KernelMemory {
  assert(bytes <= memoryBytesMaximum, `${bytes} bytes exceed a WebAssembly memory`);
  const pages = Math.max(1, Math.ceil(bytes / pageBytes));
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Once a thread, however many runs it serves. */
let compiled: Promise<WebAssembly.Module> | undefined;

/** Term numbers of assembly/sums.ts. */
const terms = { x: 0, square: 1, g: 2, gXmu: 3, difference: 4, product: 5, xSquare: 6, dySquare: 7 };

/** Kernels whose arrays lie in one memory, and those that take addresses in it. */
export interface WasmKernels extends Kernels {
  readonly blocks: BlockKernels;
}

/**
 * SIMD kernels over one memory.
 *
 * @param scratch for this instance alone, `descriptionBytes` long; each distinct `IndexSets` object takes
 * a slot on first use and keeps it.
 */
export async function createWasmKernels(memory: KernelMemory, scratch: Int32Array): Promise<WasmKernels> {
  compiled ??= WebAssembly.compile(bytesOf(atob(kernelsWasm)));
  const { exports } = await WebAssembly.instantiate(await compiled, {
    env: { memory: memory as WebAssembly.Memory },
  });
  const columns = scratch.byteOffset;
  const slot = slotsOf(scratch.subarray((columnBytes + drawsBytes) / Int32Array.BYTES_PER_ELEMENT));
  const binding = bind(exports, memory, columns, slot);
  const { add32, add64, copy, reaches } = exports as unknown as BlockKernels;
  const normals = normalSource(
    binding,
    new Int32Array(memory.buffer, columns + columnBytes, drawsBytes / Int32Array.BYTES_PER_ELEMENT),
  );
  return {
    ...sumKernels(binding),
    ...elementKernels(binding),
    normals,
    blocks: { add32, add64, copy, reaches },
  };
}

/** Character codes. A plain loop: cold code takes a hundredth of a second for a callback on each. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function normalSource({ at, call }: Binding, area: Int32Array): NormalSource {
  const state = area.byteOffset;
  const one = new Float64Array(area.buffer, state + 32, 1);
  const fill: NormalDraws["fill"] = (out, ...affine) =>
    call("fillNormals", out, state, at(out), out.length, ...affine);
  const normal = (): number => {
    fill(one, 0, 1, 0, 1);
    return one[0]!;
  };
  return (start) => {
    area.fill(0).set(start);
    return { normal, fill };
  };
}

/** Writes each index set once; returns where. */
function slotsOf(descriptions: Int32Array): (sets: IndexSets) => number {
  const slots = new WeakMap<IndexSets, number>();
  let used = 0;
  return (sets) => {
    let slot = slots.get(sets);
    if (slot === undefined) {
      const words = [sets.extents, sets.setStrides, sets.channelStrides, sets.tokenStrides].flat();
      assert(used + words.length <= descriptions.length, `no room for index set ${used / words.length + 1}`);
      descriptions.set(words, used);
      slot = descriptions.byteOffset + used * Int32Array.BYTES_PER_ELEMENT;
      used += words.length;
      slots.set(sets, slot);
    }
    return slot;
  };
}

/** What calls of one instance share. */
interface Binding {
  readonly exports: Record<string, (...args: number[]) => unknown>;
  /** Where an array lies; 0 for null. */
  at(array: FloatArray | Uint8Array | null): number;
  /** Calls the kernel for a storage type. */
  call(name: string, storage: FloatArray, ...args: number[]): void;
  slot(sets: IndexSets): number;
  /** Where columns are worked on. */
  readonly columns: number;
}

function bind(
  exports: Binding["exports"],
  memory: KernelMemory,
  columns: number,
  slot: Binding["slot"],
): Binding {
  return {
    exports,
    at(array) {
      if (array === null) return 0;
      assert(array.buffer === memory.buffer, "an array given to the kernels lies outside their memory");
      return array.byteOffset;
    },
    call(name, storage, ...args) {
      exports[`${name}${storage.BYTES_PER_ELEMENT * 8}`]!(...args);
    },
    slot,
    columns,
  };
}

type SumKernels = Pick<
  Kernels,
  "counts" | "sums" | "squares" | "moments" | "gradientSums" | "allGradientSums" | "compare"
>;

function sumKernels({ exports, at, call, slot, columns }: Binding): SumKernels {
  const sum = (
    term: number,
    a: Activation,
    dy: FloatArray | null,
    sets: IndexSets,
    target: Float64Array,
    mean: Float64Array | null = null,
    weight: Float64Array | null = null,
  ): void => {
    target.fill(0);
    call("sum", a.x, term, at(a.x), at(dy), at(a.mask), slot(sets), at(mean), at(weight), at(target));
  };
  const kernels: SumKernels = {
    counts: ({ mask }, sets, count) => countValues(sets, mask, count),
    sums: (a, sets, target) => sum(terms.x, a, null, sets, target),
    squares: (a, sets, mean, target) => sum(terms.square, a, null, sets, target, mean),
    moments(a, sets, moments) {
      if (!hasLanes(a, sets)) return twoPassMoments(kernels, a, sets, moments);
      const { count, mean, m2 } = moments;
      const targets = [count, mean, m2].map((array) => at(array.fill(0)));
      call("moments", a.x, at(a.x), slot(sets), ...targets, columns);
      leaveOut(a.mask, sets, count, [mean, m2]);
    },
    gradientSums(a, dy, sets, { mean, weight }, { sumG, sumGXmu }) {
      if (hasLanes(a, sets) && liesInSets(a, sets)) {
        const factors = [at(mean), at(weight), at(sumG.fill(0)), at(sumGXmu.fill(0)), columns];
        exports.gradientSumsInSets!(at(a.x), at(dy), at(a.mask), slot(sets), ...factors);
        return;
      }
      sum(terms.g, a, dy, sets, sumG, null, weight);
      sum(terms.gXmu, a, dy, sets, sumGXmu, mean, weight);
    },
    allGradientSums(a, dy, sets, factors, sums) {
      const dWeight = at(sums.dWeight.fill(0));
      const dBias = at(sums.dBias.fill(0));
      const args = [at(a.x), at(dy), at(a.mask), slot(sets), at(factors.mean), at(factors.invStd)];
      if (runsAlongChannels(a, sets)) {
        const targets = [at(sums.sumG.fill(0)), at(sums.sumGXmu.fill(0)), dWeight, dBias];
        exports.allGradientSumsInSets!(...args, at(factors.weight), ...targets, columns);
        return;
      }
      kernels.gradientSums(a, dy, sets, factors, sums);
      call("affineGradients", a.x, ...args, dWeight, dBias);
    },
    compare(a, b, sets, out) {
      const { setCount } = sets;
      for (const [i, term] of [terms.difference, terms.product, terms.xSquare, terms.dySquare].entries()) {
        sum(term, a, b, sets, out.subarray(i * setCount, (i + 1) * setCount));
      }
    },
  };
  return kernels;
}

type ElementKernels = Omit<Kernels, keyof SumKernels | "normals">;

function elementKernels({ exports, at, call, slot, columns }: Binding): ElementKernels {
  return {
    normalize(a, sets, { mean, invStd }, { weight, bias }, y) {
      const args = [at(a.x), at(a.mask), slot(sets), at(mean), at(invStd), at(weight), at(bias), at(y)];
      if (liesInSets(a, sets)) exports.normalizeInSets!(...args, columns);
      else call("normalize", a.x, ...args);
    },
    gradient(a, dy, sets, { mean, weight, meanG, slope, scale }, dx) {
      const factors = [at(mean), at(weight), at(meanG), at(slope), at(scale)];
      const args = [at(a.x), at(dy), at(a.mask), slot(sets), ...factors, at(dx)];
      if (liesInSets(a, sets)) exports.differentiateInSets!(...args, columns);
      else call("gradient", a.x, ...args);
    },
    multiply(a, b, bias, target) {
      assertProduct(a, b, bias, target);
      const end = [at(bias), at(target.values), target.rowStride, target.rows, target.columns, a.columns];
      if (runsAlongInner(a, b))
        call("multiplyAlong", a.values, at(a.values), a.rowStride, at(b.values), b.columnStride, ...end);
      else {
        const factors = [at(a.values), a.rowStride, a.columnStride, at(b.values), b.rowStride];
        call("multiplyAcross", a.values, ...factors, ...end);
      }
    },
    accumulate(target, incoming) {
      call("accumulate", target, at(target), at(incoming), target.length);
    },
    roundToHalf(values, format) {
      assert(values instanceof Float32Array, "half formats lie in Float32Arrays");
      const kernel = format === "float16" ? "roundToFloat16" : "roundToBfloat16";
      return exports[kernel]!(at(values), values.length) as number;
    },
  };
}
