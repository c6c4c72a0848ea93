import { expectClose } from "./close.ts";
import type { NormalizerCase, Outcome } from "./normalizer-case.ts";
import { batchesOfSteps, groupRanks } from "./outcome.ts";
import { references } from "./reference.ts";

/** Roundings of one value in the formulas below, on both sides of a comparison: a generous count. */
const roundings = 4;

/** Largest absolute error that rounding explains, per quantity. */
export interface Tolerance {
  readonly y: number;
  readonly dx: number;
  readonly dWeight: number;
  readonly dBias: number;
  readonly mean: number;
  readonly variance: number;
}

/**
 * Compare what a normaliser made of a case with all that the case expects.
 *
 * @throws Error that names the quantity, and says where it is off and by how much.
 */
export function expectOutcome(got: Outcome, example: NormalizerCase, storage: "float32" | "float64"): void {
  const tolerance = toleranceOf(example, storage);
  example.expected.ranks.forEach((want, rank) => {
    for (const key of ["y", "dx", "dWeight", "dBias"] as const) {
      if (want[key] !== undefined) {
        expectClose(got.ranks[rank]![key], want[key], 0, tolerance[key], `rank ${rank}, ${key}`);
      }
    }
  });
  example.expected.groups?.forEach((want, index) => {
    const group = got.groups![index]!;
    if (want.count !== undefined) expectClose([group.count], [want.count], 0, 0, `group ${index}, count`);
    for (const [key, quantity] of groupQuantities) {
      if (want[key] !== undefined) {
        expectClose(group[key], want[key], 0, tolerance[quantity], `group ${index}, ${key}`);
      }
    }
  });
}

const groupQuantities = [
  ["mean", "mean"],
  ["variance", "variance"],
  ["dWeight", "dWeight"],
  ["dBias", "dBias"],
  ["runningMean", "mean"],
  ["runningVariance", "variance"],
] as const;

/**
 * Tolerance from the case alone.
 *
 * u = 2^-53; a sum of n values is off by at most r = n·u, relative to its terms; float32 storage adds
 * 2^-24 for each rank that a payload passes and for the store. κ = max|x| / √(v + ε) is the condition
 * of x − m: an error r·|x| of the mean is r·κ in x̂. Then
 * - mean: r·|x|; variance: r·(1 + κ)·(v + ε), of which the unbiased is at most twice as much
 * - y: r·(1 + κ)·|weight| + r·|bias|
 * - dx: r·(1 + κ)·√n·|dy·weight| / √(v + ε), as |x̂| <= √n
 * - dWeight: n·r·(1 + κ)·|dy|; dBias: n·r·|dy|
 *
 * each with maxima over the case, times the roundings per value. Batch renormalisation multiplies x̂ by
 * a ratio of at most rMax, as exact as x̂, and adds (m − μ)/σ, where μ and σ were found as m and √v were.
 */
export function toleranceOf(example: NormalizerCase, storage: "float32" | "float64"): Tolerance {
  const { epsilon, ranks } = example;
  const reference = references[example.type];
  const batches = groupRanks(example).flatMap((members) => batchesOfSteps(example, members));
  const spread = batches.flatMap((batch) => {
    const { variance, count } = reference(batch);
    return variance.filter((_, set) => count[set]! > 0).map((v) => v + epsilon);
  });
  const x = largest(batches.flatMap((batch) => Array.from(batch.x)));
  const dy = largest(batches.flatMap((batch) => Array.from(batch.dy)));
  const weight = largest(example.weight);
  const invStd = largest(spread.map((value) => (value === 0 ? 0 : 1 / Math.sqrt(value))));
  const n = Math.max(example.channels, ...batches.map((batch) => batch.samples * batch.positions));
  const r = roundings * (n * 2 ** -53 + (storage === "float32" ? (ranks.length + 1) * 2 ** -24 : 0));
  const amplified = r * (1 + x * invStd);
  const renorm = example.type === "batch-norm" ? example.renorm : undefined;
  // Twice, for the errors of x̂ and of the ratio; the shift's error is that of x̂ once more, and κ·dMax of 1/σ.
  const factor = renorm === undefined ? 1 : 2 * renorm.rMax + 1 + renorm.dMax;
  return {
    y: factor * amplified * weight + r * largest(example.bias),
    dx: factor * amplified * Math.sqrt(n) * dy * weight * invStd,
    dWeight: factor * n * amplified * dy,
    dBias: n * r * dy,
    mean: r * x,
    variance: amplified * largest(spread),
  };
}

/** Largest magnitude; padding may hold NaN and does not count. */
function largest(values: readonly number[]): number {
  // Not by spreading: a whole batch has more values than a call has room for arguments.
  return values
    .filter((value) => !Number.isNaN(value))
    .reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
