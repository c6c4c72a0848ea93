import type { StreamState } from "../scenario/stream-state.ts";
import type { IndexSets } from "./index-sets.ts";

/** A typed array of the scenario's storage type. */
export type FloatArray = Float32Array | Float64Array;

/** Normals of one stream, each drawn as `RandomStream.normal` draws it. */
export interface NormalDraws {
  /** Standard normal. */
  normal(): number;
  /** out[i] = mean + std · (level + own · z) for standard normals z, in float64 and rounded once on store. */
  fill(out: FloatArray, mean: number, std: number, level: number, own: number): void;
}

/** Starts the draws of the stream in a state. Those that it started before may end by that. */
export type NormalSource = (state: StreamState) => NormalDraws;

/** A matrix in an array: element (i, j) is values[i·rowStride + j·columnStride]. */
export interface Matrix {
  readonly values: FloatArray;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** An activation and which of its tokens count. */
export interface Activation {
  /** Row-major [N, C, L]. */
  readonly x: FloatArray;
  /** [N, L], 1 is valid; null: every token is. Invalid elements are neither read nor summed. */
  readonly mask: Uint8Array | null;
}

/** Moments of every index set: the values in it, their mean, and Σ (x − mean)². */
export interface SetMoments {
  readonly count: Float64Array;
  readonly mean: Float64Array;
  readonly m2: Float64Array;
}

/**
 * The numeric loops, over any index sets. Arithmetic is float64, results are rounded once on store; of float32
 * data whose rows lie in one set each, y and dx are float32 arithmetic, with the mean as two float32.
 * Two implementations, bit for bit the same: `scalarKernels` (the reference) and WebAssembly SIMD.
 *
 * Shapes: per-set arrays have `sets.setCount` elements, per-channel arrays one per channel. Sums
 * are written, not added to. The order of every sum is that of `IndexSets`.
 */
export interface Kernels {
  /** count[set] = how many valid elements it has. */
  counts(input: Activation, sets: IndexSets, count: Float64Array): void;
  /** sum[set] = Σ x. */
  sums(input: Activation, sets: IndexSets, sum: Float64Array): void;
  /** square[set] = Σ (x − mean[set])². */
  squares(input: Activation, sets: IndexSets, mean: Float64Array, square: Float64Array): void;
  /** count, mean and m2 of every set; zeros where nothing is valid. */
  moments(input: Activation, sets: IndexSets, moments: SetMoments): void;
  /** y = (x − mean[set]) · invStd[set] · weight[channel] + bias[channel]; 0 where invalid. */
  normalize(
    input: Activation,
    sets: IndexSets,
    statistics: { readonly mean: Float64Array; readonly invStd: Float64Array },
    affine: { readonly weight: Float64Array; readonly bias: Float64Array },
    y: FloatArray,
  ): void;
  /** With g = dy · weight[channel]: sumG[set] = Σ g, sumGXmu[set] = Σ g · (x − mean[set]). */
  gradientSums(
    input: Activation,
    dy: FloatArray,
    sets: IndexSets,
    factors: { readonly mean: Float64Array; readonly weight: Float64Array },
    sums: { readonly sumG: Float64Array; readonly sumGXmu: Float64Array },
  ): void;
  /** dx = (dy · weight[channel] − meanG[set] − (x − mean[set]) · slope[set]) · scale[set]; 0 where invalid. */
  gradient(
    input: Activation,
    dy: FloatArray,
    sets: IndexSets,
    factors: {
      readonly mean: Float64Array;
      readonly weight: Float64Array;
      readonly meanG: Float64Array;
      readonly slope: Float64Array;
      readonly scale: Float64Array;
    },
    dx: FloatArray,
  ): void;
  /**
   * `gradientSums`, and those of the weights: dWeight[channel] = Σ dy · (x − mean[set]) · invStd[set],
   * dBias[channel] = Σ dy; rows as for a channel's set.
   */
  allGradientSums(
    input: Activation,
    dy: FloatArray,
    sets: IndexSets,
    factors: { readonly mean: Float64Array; readonly invStd: Float64Array; readonly weight: Float64Array },
    sums: {
      readonly sumG: Float64Array;
      readonly sumGXmu: Float64Array;
      readonly dWeight: Float64Array;
      readonly dBias: Float64Array;
    },
  ): void;
  /** Per set, a against b over valid elements: out = [Σ (a − b)² | Σ a·b | Σ a² | Σ b²], each setCount long. */
  compare(a: Activation, b: FloatArray, sets: IndexSets, out: Float64Array): void;
  /**
   * target = a·b, plus `bias` (one per column) on every row unless it is null.
   *
   * **Order**: where both factors lie along the inner index (a.columnStride and b.rowStride are 1) each sum has
   * the 8 lanes of `IndexSets`; otherwise b must lie along its columns, and terms are added in ascending order.
   */
  multiply(a: Matrix, b: Matrix, bias: FloatArray | null, target: Matrix): void;
  /** target[i] = target[i] + incoming[i], rounded to the storage type. */
  accumulate(target: FloatArray, incoming: FloatArray): void;
  /** Normals, bit for bit those of `drawNormals`; one stream at a time. */
  readonly normals: NormalSource;
  /** Rounds float32 values to a half format as `roundToHalf` does; returns how many were finite and are now infinite. */
  roundToHalf(values: FloatArray, format: "float16" | "bfloat16"): number;
}
