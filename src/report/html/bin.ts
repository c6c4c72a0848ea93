import type { Point } from "./plot.ts";

/** Consecutive items that are drawn as one. */
export interface Bin {
  readonly first: number;
  readonly last: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Values in order, in at most `binsMaximum` bins of equally many, the last one smaller; each its own where there
 * are few. Values that are not finite are not counted; a bin of none of them has no number.
 */
export function binsOf(values: readonly number[], binsMaximum: number): Bin[] {
  const count = Math.max(1, Math.ceil(values.length / binsMaximum));
  const bins: Bin[] = [];
  for (let first = 0; first < values.length; first += count) {
    const own = values.slice(first, first + count).filter(Number.isFinite);
    bins.push({
      first,
      last: Math.min(values.length, first + count) - 1,
      mean: own.length === 0 ? Number.NaN : own.reduce((sum, value) => sum + value, 0) / own.length,
      low: Math.min(...own),
      high: Math.max(...own),
    });
  }
  return bins;
}

/** `17`, or `16 to 31`. */
export function binName({ first, last }: Pick<Bin, "first" | "last">): string {
  return first === last ? `${first}` : `${first} to ${last}`;
}

/** A bin in a plot, at its middle. */
export function pointOf({ first, last, mean, low, high }: Bin): Point {
  return { x: (first + last) / 2, y: mean, low, high };
}
