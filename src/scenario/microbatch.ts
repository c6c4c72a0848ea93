import type { FloatArray } from "../kernels/kernels.ts";

export type { FloatArray } from "../kernels/kernels.ts";

/** One rank's share of a batch: row-major [N, C, L]. The arrays are views into shared memory. */
export interface Microbatch {
  readonly samples: number;
  readonly channels: number;
  /** Product of the position extents. */
  readonly positions: number;
  /** Input activations, [N, C, L]. */
  readonly x: FloatArray;
  /** Gradient of the loss by the normaliser's output, [N, C, L]. */
  readonly dy: FloatArray;
  /** Valid positions, [N, L], 1 is valid; null: all are. */
  readonly mask: Uint8Array | null;
}
