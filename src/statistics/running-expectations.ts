/** What the running mean of independent batches follows, in units of the standard deviation of one value. */
export interface MeanPath {
  /** Mean in the first training step; running means start at 0. */
  readonly start: number;
  /** How far the mean moves with every training step. */
  readonly drift: number;
  readonly trainingSteps: number;
  /** Updates of the running mean in one training step. */
  readonly updatesPerStep: number;
  /** Weight of the new batch; null: cumulative average. */
  readonly momentum: number | null;
}

/**
 * How far behind the mean of the last training step the running mean is expected to be.
 *
 * With weight m and u updates a step, q = (1 − m)^u: the start has faded to q^T of it, and a drift of δ lags by
 * δ·q(1 − q^(T−1))/(1 − q), which is δ(1 − m)/m for long runs with one update a step. A cumulative average lags by
 * half of the whole drift.
 */
export function expectedLag({ start, drift, trainingSteps, updatesPerStep, momentum }: MeanPath): number {
  if (momentum === null) return (drift * (trainingSteps - 1)) / 2;
  const kept = power(1 - momentum, updatesPerStep);
  const faded = start * power(kept, trainingSteps);
  if (kept === 1) return start + drift * (trainingSteps - 1);
  return faded + (drift * kept * (1 - power(kept, trainingSteps - 1))) / (1 - kept);
}

/** base^exponent for a whole exponent, by squaring: the same bits on every host. */
function power(base: number, exponent: number): number {
  let result = 1;
  for (let rest = exponent, square = base; rest > 0; rest = Math.floor(rest / 2), square *= square)
    if (rest % 2 === 1) result *= square;
  return result;
}
