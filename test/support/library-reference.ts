import type { ImplementationName } from "../../src/scenario/implementation-names.ts";

// What libraries compute, from their definitions and in plain loops: one channel, float64.

/** Libraries that average the ranks' E[x] and E[x²], whatever the ranks' counts. */
export const equalWeights: readonly ImplementationName[] = [
  "apex-python",
  "horovod-tensorflow",
  "detectron2",
  "flax",
  "mxnet",
  "paddle",
];

/** Libraries whose gradient averages the ranks' means of dy and of dy(x − m). */
export const meansOfMeans: readonly ImplementationName[] = ["pytorch-1.5", "apex-python"];

type Ranks = readonly (readonly number[])[];

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and biased variance that a library normalises with. */
export function libraryStatistics(name: ImplementationName, x: Ranks): { mean: number; variance: number } {
  if (!equalWeights.includes(name)) {
    const all = x.flat();
    const mean = meanOf(all);
    return { mean, variance: meanOf(all.map((value) => (value - mean) ** 2)) };
  }
  const mean = meanOf(x.map(meanOf));
  return { mean, variance: meanOf(x.map((values) => meanOf(values.map((value) => value ** 2)))) - mean ** 2 };
}

/** dx: central differences of Σ dy·y, or where means are averaged the formula that does so. */
export function libraryGradient(name: ImplementationName, x: Ranks, dy: Ranks, epsilon: number): number[][] {
  if (meansOfMeans.includes(name)) return averagedGradient(name, x, dy, epsilon);
  const loss = (at: Ranks): number => {
    const { mean, variance } = libraryStatistics(name, at);
    const invStd = 1 / Math.sqrt(variance + epsilon);
    return at
      .flatMap((values, r) => values.map((value, i) => dy[r]![i]! * (value - mean) * invStd))
      .reduce((a, b) => a + b);
  };
  const h = 1e-5;
  const moved = (r: number, i: number, by: number): Ranks =>
    x.map((values, rank) => values.map((value, at) => (rank === r && at === i ? value + by : value)));
  return x.map((values, r) => values.map((_, i) => (loss(moved(r, i, h)) - loss(moved(r, i, -h))) / (2 * h)));
}

function averagedGradient(name: ImplementationName, x: Ranks, dy: Ranks, epsilon: number): number[][] {
  const { mean, variance } = libraryStatistics(name, x);
  const meanDy = meanOf(dy.map(meanOf));
  const meanDyXmu = meanOf(
    x.map((values, r) => meanOf(values.map((value, i) => dy[r]![i]! * (value - mean)))),
  );
  const invStd = 1 / Math.sqrt(variance + epsilon);
  return x.map((values, r) =>
    values.map((value, i) => invStd * (dy[r]![i]! - meanDy - (value - mean) * invStd ** 2 * meanDyXmu)),
  );
}
