// Merging of moments in float64.

/** Below this mean square float32 loses squares. */
export const LEAST: f64 = 7.888609052210118e-31; // 2^-100

/** Whether float32 could hold the squares of n values that add up to this. */
// @ts-ignore: decorator
@inline
export function isInRange(squares: f64, n: f64): bool {
  return squares >= n * LEAST && squares <= f64.MAX_VALUE;
}

/** Merge n values, whose deviations from `shift` add up to a and their squares to b, into what a set has. */
// @ts-ignore: decorator
@inline
export function merge(before: f64, mean: usize, m2: usize, n: f64, shift: f64, a: f64, b: f64): void {
  const about = before == 0 ? shift : load<f64>(mean);
  const share = n / (before + n);
  const d = a * (1 / n);
  const delta = shift - about + d;
  store<f64>(mean, about + delta * share);
  store<f64>(m2, load<f64>(m2) + (b - a * d) + delta * delta * (before * share));
}
