import { indexSetsOf } from "../kernels/index-sets.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import { gradientNames } from "../normalizers/token-norm.ts";
import { layoutOf } from "../scenario/mesh.ts";
import type { Mesh, NormalizerSpec } from "../scenario/scenario.ts";
import type { RankViews } from "./arena-views.ts";

/** The gradients of weights that all tensor ranks hold, after the normaliser's own communication. */
export interface WeightGradients {
  /** √(Σ dWeight²) on each rank. */
  readonly norms: readonly number[];
  /** The largest distance between two tensor ranks of one data coordinate, over the norm of the right gradient; 0: they agree. */
  readonly disagreement: number;
  /** The largest distance of a rank from the right gradient, over its norm. Right: summed over all tokens of the tensor ranks. */
  readonly error: number;
}

/**
 * Compare dWeight and dBias between tensor ranks that hold the same weights, and with the gradients of their
 * tokens on one device; null where every tensor rank holds channels of its own.
 *
 * Data and sequence ranks hold the same weights too: training sums their gradients outside the layer.
 */
export function weightGradientsOf(
  spec: NormalizerSpec,
  { tensor }: Mesh,
  ranks: readonly RankViews[],
): WeightGradients | null {
  if (!("tensorParallel" in spec) || spec.tensorParallel === "sharded" || tensor === 1) return null;
  const names = gradientNames(spec);
  let disagreement = 0;
  let error = 0;
  for (let first = 0; first < ranks.length; first += tensor) {
    const peers = ranks.slice(first, first + tensor);
    const distinct = layoutOf(spec) === "replicated" ? peers.slice(0, 1) : peers;
    const right = distinct.map(gradientsOf).reduce((sum, part) => sum.map((value, c) => value + part[c]!));
    const length = names.length * peers[0]!.extent.channels;
    const norm = distance(right.subarray(0, length), new Float64Array(length));
    if (norm === 0) continue;
    const own = peers.map((views) => names.flatMap((name) => Array.from(views[name])));
    for (const [index, gradients] of own.entries()) {
      error = Math.max(error, distance(gradients, right) / norm);
      for (const other of own.slice(index + 1))
        disagreement = Math.max(disagreement, distance(gradients, other) / norm);
    }
  }
  const norms = ranks.map(({ dWeight }) => distance(dWeight, new Float64Array(dWeight.length)));
  return { norms, disagreement, error };
}

/** [dWeight | dBias] of the tokens of one rank. */
function gradientsOf({ x, dy, mask, extent, used }: RankViews): Float64Array {
  const { channels } = extent;
  const gradients = new Float64Array(2 * channels);
  const sets = indexSetsOf(extent, ["channels"]);
  const sums = {
    sumG: new Float64Array(sets.setCount),
    sumGXmu: new Float64Array(sets.setCount),
    dWeight: gradients.subarray(0, channels),
    dBias: gradients.subarray(channels),
  };
  const factors = { ...used, weight: new Float64Array(channels).fill(1) };
  scalarKernels.allGradientSums({ x, mask }, dy, sets, factors, sums);
  return gradients;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let square = 0;
  for (let i = 0; i < a.length; i++) square += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(square);
}
