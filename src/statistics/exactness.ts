import type { Moments } from "./moments.ts";

/** What a rank holds of one channel: its own moments, and Σdy, Σdy² and Σdy(x − m) about its own mean m. */
export interface ChannelOfRank extends Moments {
  readonly sumDy: number;
  readonly sumDySquares: number;
  readonly sumDyXmu: number;
}

/** y = γ·invStd·(x − mean) + β and dx = γ·invStd·(dy − meanDy − (x − mean)·slope) of one channel. */
export interface ChannelMap {
  readonly mean: number;
  readonly invStd: number;
  readonly meanDy: number;
  readonly slope: number;
}

/** Σ(a − b)² of y and of dx over a rank's values of one channel, at γ = 1. */
export interface MapDifference {
  readonly y: number;
  readonly dx: number;
}

/**
 * How far apart two maps bring a rank's values, in closed form from the rank's moments: differences of
 * affine functions of x, and of dy and x. NaN where a map is.
 */
export function mapDifference(rank: ChannelOfRank, a: ChannelMap, b: ChannelMap): MapDifference {
  const { count: n, mean: m, m2 } = rank;
  if (n === 0) return { y: 0, dx: 0 };
  const invStd = a.invStd - b.invStd;
  const offset = (m - a.mean) * a.invStd - (m - b.mean) * b.invStd;
  // dx = p·(dy − mean dy) + q·(x − m) + r.
  const meanDy = rank.sumDy / n;
  const q = b.invStd * b.slope - a.invStd * a.slope;
  const constant = ({ mean, invStd, meanDy: subtracted, slope }: ChannelMap): number =>
    invStd * (meanDy - subtracted - (m - mean) * slope);
  const r = constant(a) - constant(b);
  const spread = Math.max(0, rank.sumDySquares - n * meanDy * meanDy);
  const square = invStd * invStd * spread + 2 * invStd * q * rank.sumDyXmu + q * q * m2;
  return { y: invStd * invStd * m2 + n * offset * offset, dx: Math.max(0, square) + n * r * r };
}
