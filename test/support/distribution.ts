/** A z-score beyond this has probability 6e-7. With fixed seeds a test does not pass or fail by chance. */
export const zMaximum = 5;

/** √n D of Kolmogorov and Smirnov exceeds x with probability 2 exp(−2x²): here 6e-7 too. */
export const ksMaximum = 2.74;

/** √n times the largest distance between a sample's distribution function and a continuous one. */
export function kolmogorovSmirnov(sample: Float64Array, cdf: (x: number) => number): number {
  const n = sample.length;
  let distance = 0;
  for (const [i, x] of sample.toSorted().entries()) {
    distance = Math.max(distance, cdf(x) - i / n, (i + 1) / n - cdf(x));
  }
  return distance * Math.sqrt(n);
}

/**
 * z-scores of a sample's mean and of its variance about the known mean.
 *
 * Var(mean) = σ²/n, Var((x − μ)²) = σ⁴(kurtosis − 1).
 */
export function momentScores(
  sample: Float64Array,
  law: { readonly mean: number; readonly variance: number; readonly kurtosis: number },
): [number, number] {
  const n = sample.length;
  const mean = sample.reduce((sum, x) => sum + x, 0) / n;
  const variance = sample.reduce((sum, x) => sum + (x - law.mean) ** 2, 0) / n;
  return [
    (mean - law.mean) / Math.sqrt(law.variance / n),
    (variance - law.variance) / (law.variance * Math.sqrt((law.kurtosis - 1) / n)),
  ];
}

/** z-score of a sample's mean against what it should be, by the sample's own spread. */
export function meanScore(sample: ArrayLike<number>, want: number): number {
  const values = Float64Array.from(sample);
  const n = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  return (mean - want) / Math.sqrt(variance / n);
}

/**
 * Distribution function of the standard normal, by a series that is exact to 1e-15 for |x| < 7.
 *
 * @see Marsaglia (2004), Evaluating the normal distribution
 */
export function normalCdf(x: number): number {
  if (Math.abs(x) > 7) return x > 0 ? 1 : 0;
  let term = x;
  let sum = x;
  for (let k = 3; sum !== sum + term; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI));
}
