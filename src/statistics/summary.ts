/** One metric over all its entries (channels of every rank), beside what i.i.d. data would give. */
export interface Summary {
  readonly mean: number | null;
  /** 95th percentile, linear between order statistics (NumPy's default). */
  readonly p95: number | null;
  readonly max: number | null;
  readonly min: number | null;
  /** Mean under i.i.d. Gaussian data; null where no closed form holds. */
  readonly expected: number | null;
}

/**
 * Summarise a metric. A statistic that is not finite is null, as are all four of no entries; NaN
 * counts as larger than any number.
 *
 * **Order**: the mean sums in index order.
 */
export function summarize(values: ArrayLike<number>, expected: number | null): Summary {
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return {
    mean: finiteOrNull(sum / values.length),
    p95: finiteOrNull(quantile(sorted, 0.95)),
    max: finiteOrNull(sorted.at(-1)),
    min: finiteOrNull(sorted[0]),
    expected,
  };
}

function quantile(sorted: Float64Array, fraction: number): number | undefined {
  const place = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) return undefined;
  return below + (above - below) * (place - Math.floor(place));
}

/** The value, or null where there is none or it is NaN or infinite: JSON has no such numbers. */
export function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
