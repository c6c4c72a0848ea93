// Levenberg-Marquardt with Huber weights, Gaussian priors at zero and one random effect per group of rows.

/** Rows that share a random effect. */
export interface RowGroup {
  /** What is to be explained; one per row. */
  readonly targets: readonly number[];
  readonly weight: number;
  /** Standard deviation of the effect that the rows share. */
  readonly sharedSpread: number;
  /** The model for every row. */
  predict(parameters: readonly number[]): number[];
}

export interface LeastSquaresOptions {
  readonly spreads: readonly number[];
  /** Standard deviation of one row beside the shared effect. */
  readonly noise: number;
  /** Residuals beyond this many standard deviations count linearly. */
  readonly huber: number;
  readonly rounds: number;
}

const delta = 1e-5;

export function leastSquares(
  groups: readonly RowGroup[],
  start: readonly number[],
  options: LeastSquaresOptions,
): number[] {
  const { rounds } = options;
  let parameters = [...start];
  let cost = costOf(groups, parameters, options);
  let damping = 1e-2;
  for (let round = 0; round < rounds; round++) {
    const { normal, gradient } = normalEquations(groups, parameters, options);
    const before = cost;
    for (let attempt = 0; attempt < 8 && cost === before; attempt++) {
      const damped = normal.map((line, i) =>
        line.map((value, j) => (i === j ? value * (1 + damping) : value)),
      );
      const step = solve(damped, gradient);
      const next = parameters.map((value, i) => value - step[i]!);
      const nextCost = costOf(groups, next, options);
      damping *= nextCost < cost ? 0.3 : 4;
      if (nextCost < cost) [parameters, cost] = [next, nextCost];
    }
    if (before - cost < 1e-4 * cost) break;
  }
  return parameters;
}

function costOf(
  groups: readonly RowGroup[],
  parameters: readonly number[],
  options: LeastSquaresOptions,
): number {
  const { spreads, huber } = options;
  let cost = parameters.reduce((sum, value, i) => sum + (value / spreads[i]!) ** 2, 0);
  for (const group of groups) {
    for (const residual of residualsOf(group, parameters, options)) {
      const r = Math.abs(residual);
      cost += group.weight * (r <= huber ? r * r : 2 * huber * r - huber * huber);
    }
  }
  return cost;
}

function residualsOf(
  group: RowGroup,
  parameters: readonly number[],
  { noise }: LeastSquaresOptions,
): number[] {
  return whiten(
    group.predict(parameters).map((value, k) => (value - group.targets[k]!) / noise),
    group,
    noise,
  );
}

/** Take out of the mean what the shared effect explains, so that rows become independent. */
function whiten(values: readonly number[], { sharedSpread }: RowGroup, noise: number): number[] {
  const kept = 1 - 1 / Math.sqrt(1 + values.length * (sharedSpread / noise) ** 2);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - kept * mean);
}

function normalEquations(
  groups: readonly RowGroup[],
  parameters: readonly number[],
  options: LeastSquaresOptions,
) {
  const { spreads, noise, huber } = options;
  const normal = parameters.map((_, i) => parameters.map((_, j) => (i === j ? 1 / spreads[i]! ** 2 : 0)));
  const gradient = parameters.map((value, i) => value / spreads[i]! ** 2);
  for (const group of groups) {
    const at = group.predict(parameters);
    const residuals = residualsOf(group, parameters, options);
    const slopes = parameters.map((_, i) => {
      const shifted = group.predict(parameters.map((value, j) => (i === j ? value + delta : value)));
      return whiten(
        shifted.map((value, k) => (value - at[k]!) / delta / noise),
        group,
        noise,
      );
    });
    residuals.forEach((residual, k) => {
      const weight = group.weight * Math.min(1, huber / Math.abs(residual));
      slopes.forEach((mine, i) => {
        if (mine[k] === 0) return;
        gradient[i]! += weight * mine[k]! * residual;
        slopes.forEach((other, j) => {
          normal[i]![j]! += weight * mine[k]! * other[k]!;
        });
      });
    });
  }
  return { normal, gradient };
}

/** Gauss elimination: the matrix is positive definite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((line, i) => [...line, right[i]!]);
  const n = right.length;
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j <= n; j++) rows[i]![j]! -= factor * rows[k]![j]!;
    }
  }
  const x: number[] = Array(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    const known = x.reduce((sum, value, j) => (j > k ? sum + rows[k]![j]! * value : sum), 0);
    x[k] = (rows[k]![n]! - known) / rows[k]![k]!;
  }
  return x;
}
