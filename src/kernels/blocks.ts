/** Work on blocks of a memory by their addresses, where making views would take longer than the work. */
export interface BlockKernels {
  /** target[i] = a[i] + b[i] for `count` float32 values; the target may be a or b. */
  readonly add32: (target: number, a: number, b: number, count: number) => void;
  /** The same for float64 values. */
  readonly add64: (target: number, a: number, b: number, count: number) => void;
  /** Bytes are a multiple of 4; the areas do not overlap. */
  readonly copy: (target: number, source: number, bytes: number) => void;
  /** 1 if a counter that wraps, of another thread, has come as far as wanted (`isAtLeast`) within so many looks, else 0. */
  readonly reaches: (word: number, wanted: number, looks: number) => number;
}
