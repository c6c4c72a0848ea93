import type { Group } from "../normalizers/group.ts";
import { inverseRoot } from "../normalizers/operator.ts";
import { type ChannelMap, type ChannelOfRank, mapDifference } from "../statistics/exactness.ts";
import type { VarianceKind } from "../statistics/moments.ts";
import type { RankViews } from "./arena-views.ts";
import { mergeChannel } from "./whole-batch.ts";

/**
 * How far a synchronised normaliser is from the exact statistics and gradient sums of its own groups, summed
 * over training steps, groups and channels; of batch renorm before its correction.
 */
export interface Exactness {
  /** Channels of the whole batch, times training steps. */
  channels: number;
  /** Mean squared error of y, one term for each of `channels`. */
  outputErrors: number;
  gradientDifference: number;
  /** Σdx² of the exact gradient. */
  gradientSquare: number;
  /** |v − unbiased variance| over the latter, of what the running variance takes in, where the latter is not 0. */
  varianceErrors: number;
  variances: number;
  isOutputExact: boolean;
  isGradientExact: boolean;
  /** The largest |mean of a rank|/√(v + ε) met. */
  meanOverStd: number;
  /** The fewest and most values per channel of ranks in one group, where they differ most. */
  values: readonly [number, number];
  /** Whether values per sample differ between ranks, as with padding. */
  hasPadding: boolean;
  areFinite: boolean;
}

export function newExactness(): Exactness {
  return {
    channels: 0,
    outputErrors: 0,
    gradientDifference: 0,
    gradientSquare: 0,
    varianceErrors: 0,
    variances: 0,
    isOutputExact: true,
    isGradientExact: true,
    meanOverStd: 0,
    values: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    hasPadding: false,
    areFinite: true,
  };
}

/** Unit roundoff of float32, in which every library here keeps and sends statistics: a finer error is none. */
const unitRoundoff = 2 ** -24;

/**
 * Root mean square error of x̂ that rounding explains in a group of `ranks` ranks. A mean is rounded at each of
 * at most `ranks` hops, by u·|mean| each; 1/√(v + ε) and the undoing of it are within 8u of v + ε, which is 4u
 * of x̂; and twice that, because a bound of first order is not quite one.
 */
function outputTolerance(ranks: number, meanOverStd: number): number {
  return 2 * (ranks + 8) * unitRoundoff * (1 + meanOverStd);
}

/** Of dx, in units of invStd·rms(dy): invStd, x̂, and the two sums each carry an output tolerance. */
const gradientFactor = 4;

interface Pass {
  readonly groups: readonly Group[];
  readonly ranks: readonly RankViews[];
  readonly weight: Float64Array;
  readonly epsilon: number;
  readonly backward: boolean;
  readonly runningVariance: VarianceKind;
}

/** Hold one training step's statistics and gradients against the exact ones of each group of several ranks. */
export function logExactness(exactness: Exactness, pass: Pass): void {
  const squares = new Float64Array(pass.weight.length);
  const counts = new Float64Array(pass.weight.length);
  for (const { ranks } of pass.groups) {
    const members = ranks.map((rank) => pass.ranks[rank]!);
    noteValues(exactness, members);
    const { firstChannel, extent } = members[0]!;
    for (let c = firstChannel; c < firstChannel + extent.channels; c++) {
      for (const { localCount } of members) counts[c]! += localCount[0]!;
      if (members.length > 1) squares[c]! += logChannel(exactness, members, c, pass);
    }
  }
  for (let c = 0; c < squares.length; c++) {
    exactness.channels++;
    if (counts[c]! > 0) exactness.outputErrors += squares[c]! / counts[c]!;
  }
}

function noteValues(exactness: Exactness, members: readonly RankViews[]): void {
  const values = members.map(({ localCount }) => localCount[0]!);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [fewest, largest] = exactness.values;
  if (most - least > largest - fewest) exactness.values = [least, most];
  const fill = members
    .filter(({ extent }) => extent.samples > 0)
    .map(({ localCount, extent }) => localCount[0]! / (extent.samples * extent.positions));
  if (fill.some((share) => share !== 1)) exactness.hasPadding = true;
}

/** @returns Σ over the group's values of the squared error of y. */
function logChannel(exactness: Exactness, members: readonly RankViews[], c: number, pass: Pass): number {
  const pooled = mergeChannel(members, c);
  const { count, mean, m2 } = pooled;
  if (count === 0) return 0;
  const invStd = inverseRoot(m2 / count, pass.epsilon);
  const slope = (invStd * invStd * pooled.sumDyXmu) / count;
  const exact: ChannelMap = { mean, invStd, meanDy: pooled.sumDy / count, slope };
  const nothing: ChannelMap = { mean, invStd: 0, meanDy: 0, slope: 0 };
  const weight = pass.weight[c]! * pass.weight[c]!;
  const total = { y: 0, dx: 0, exactDx: 0, dy: 0, meanOverStd: 0 };
  for (const rank of members) {
    const { localCount, localMean, localM2, localSumDy, localDySquares, localSumDyXmu, used } = rank;
    const own = c - rank.firstChannel;
    const holds: ChannelOfRank = {
      count: localCount[0]!,
      mean: localMean[own]!,
      m2: localM2[own]!,
      sumDy: localSumDy[own]!,
      sumDySquares: localDySquares[own]!,
      sumDyXmu: localSumDyXmu[own]!,
    };
    if (holds.count === 0) continue;
    const got: ChannelMap = {
      mean: used.mean[own]!,
      invStd: used.invStd[own]!,
      meanDy: used.meanG[own]!,
      slope: used.slope[own]!,
    };
    const difference = mapDifference(holds, got, exact);
    total.y += difference.y;
    total.dx += difference.dx;
    total.exactDx += mapDifference(holds, exact, nothing).dx;
    total.dy += holds.sumDySquares;
    total.meanOverStd = Math.max(total.meanOverStd, Math.abs(holds.mean) * invStd);
    if (count > 1) logVariance(exactness, used.m2[own]!, used.count[own]!, m2 / (count - 1), pass);
  }
  const tolerance = outputTolerance(members.length, total.meanOverStd);
  exactness.meanOverStd = Math.max(exactness.meanOverStd, total.meanOverStd);
  if (!(total.y <= count * tolerance ** 2)) exactness.isOutputExact = false;
  if (!Number.isFinite(total.y)) exactness.areFinite = false;
  if (pass.backward) {
    exactness.gradientDifference += weight * total.dx;
    exactness.gradientSquare += weight * total.exactDx;
    if (!(total.dx <= (gradientFactor * tolerance * invStd) ** 2 * total.dy))
      exactness.isGradientExact = false;
  }
  return weight * total.y;
}

function logVariance(
  exactness: Exactness,
  m2: number,
  count: number,
  unbiased: number,
  { runningVariance }: Pass,
): void {
  if (unbiased === 0) return;
  const taken = m2 / (runningVariance === "biased" ? count : count - 1);
  exactness.varianceErrors += Math.abs(taken - unbiased) / unbiased;
  exactness.variances++;
}
