import type { Exactness } from "../engine/exactness.ts";
import type { NormalizerRecord } from "../engine/simulation.ts";
import { implementations } from "../normalizers/implementations.ts";
import type { NumberFormat } from "../scenario/number-format.ts";
import type { PoolingSpec } from "../scenario/scenario.ts";
import { finiteOrNull } from "../statistics/summary.ts";
import { formatCount } from "./format.ts";

/**
 * A synchronised normaliser against the exact statistics and gradient sums of its own groups, of what its ranks
 * held. Batch renorm: before its correction. A figure that is not finite is null.
 */
export interface ExactnessReport {
  /** Whether y and dx are within what rounding to float32 explains. */
  readonly isExact: boolean;
  /** Why it is not; null where it is. */
  readonly reason: string | null;
  /** Mean square of y − exact y, the mean over channels and training steps. */
  readonly outputMse: number | null;
  /** √(Σ(dx − exact dx)² / Σ(exact dx)²); null without a backward pass or without a gradient. */
  readonly gradientRelativeError: number | null;
  /** Mean of |v − unbiased variance| / unbiased variance, of the v that the running variance takes in. */
  readonly runningVarianceError: number | null;
}

/** What the log of a run says about a normaliser's exactness. */
export function exactnessReport(
  { exactness, spec }: NormalizerRecord,
  payload: NumberFormat,
): ExactnessReport | null {
  if (exactness === null || !("implementation" in spec)) return null;
  const { channels, outputErrors, gradientDifference, gradientSquare, varianceErrors, variances } = exactness;
  const isExact = exactness.isOutputExact && exactness.isGradientExact;
  return {
    isExact,
    reason: isExact ? null : reasonOf(exactness, spec, payload),
    outputMse: finiteOrNull(outputErrors / channels),
    gradientRelativeError: finiteOrNull(Math.sqrt(gradientDifference / gradientSquare)),
    runningVarianceError: finiteOrNull(varianceErrors / variances),
  };
}

function reasonOf(
  { areFinite, isOutputExact, values: [least, most], hasPadding, meanOverStd }: Exactness,
  { implementation, moments, accumulate }: PoolingSpec,
  payload: NumberFormat,
): string {
  const { emptyRank, weighting, merge, backward } = implementations[implementation];
  const isUneven = most > least;
  const range = `${formatCount(least)} to ${formatCount(most)} values a channel`;
  if (!areFinite && emptyRank === "nan" && least === 0)
    return "the means of an empty rank are 0/0, and reach every rank";
  if (weighting === "equal" && isUneven) return `every rank weighs the same, and ranks hold ${range}`;
  if (weighting === "samples" && hasPadding) return "padding is counted as zeros";
  if (isOutputExact && isUneven && backward[0]?.fields[0] === "meanDy")
    return `the gradient averages the ranks' means (pytorch/pytorch#36382), and ranks hold ${range}`;
  // NaN among the data makes this NaN.
  if (Number.isNaN(meanOverStd)) return "the ranks hold numbers that are not finite";
  const wire = `numbers are rounded to ${payload} on the wire`;
  const rounding = accumulate === "float64" ? wire : `moments are ${moments} in ${accumulate}, and ${wire}`;
  if (merge.by !== "mean-square") return rounding;
  if (merge.of === "shiftedSum")
    return least > 0 ? rounding : `${rounding}, and an empty first rank leaves nothing to shift by`;
  const outcome = areFinite ? "loses digits" : "turns negative or overflows";
  const gap = `the ranks' means lie up to ${String(Number(meanOverStd.toPrecision(3)))} standard deviations from 0`;
  return `E[x²] − E[x]² ${outcome}: ${rounding}, and ${gap}`;
}
