import digamma from "@stdlib/math-base-special-digamma";
import gammaln from "@stdlib/math-base-special-gammaln";
import { log } from "../scenario/elementary-functions.ts";

/** From here the series below is exact to float64: its first dropped term is under 3e-16. */
const seriesStart = 16;

/**
 * ln Γ(x + ½) − ln Γ(x) − ½ ln x, for x > 0. It falls as −1/(8x).
 *
 * The three terms cancel for large x, so from 16 on this is their asymptotic series.
 *
 * @see Tricomi, Erdélyi (1951), The asymptotic expansion of a ratio of gamma functions
 */
export function logGammaHalfStep(x: number): number {
  if (x < seriesStart) return gammaln(x + 0.5) - gammaln(x) - 0.5 * log(x);
  const r = 1 / (x * x);
  return (-1 / 8 + r * (1 / 192 + r * (-1 / 640 + r * (17 / 14336 + r * (-31 / 18432))))) / x;
}

/**
 * ψ(x) − ln x, for x > 0, with ψ the digamma function. It falls as −1/(2x).
 *
 * The two terms cancel for large x, so from 16 on this is their asymptotic series.
 *
 * @see Abramowitz, Stegun (1964), 6.3.18
 */
export function digammaExcess(x: number): number {
  if (x < seriesStart) return digamma(x) - log(x);
  const r = 1 / (x * x);
  return -1 / (2 * x) - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))));
}
