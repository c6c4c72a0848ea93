import type { IndexSets } from "../kernels/index-sets.ts";
import type { Activation } from "../kernels/kernels.ts";
import { sumInto } from "../kernels/scalar.ts";
import { rowsOf, visitRow } from "../kernels/scalar-rows.ts";
import { type NumberFormat, roundTo } from "../scenario/number-format.ts";
import type { MomentsAlgorithm } from "../scenario/scenario.ts";

/** What an algorithm works on: `count` is given, `mean` and `m2` are written. */
interface Task {
  readonly input: Activation;
  readonly sets: IndexSets;
  readonly count: Float64Array;
  readonly mean: Float64Array;
  readonly m2: Float64Array;
  /** To the format that is computed in: after every operation, so that each is that of the format. */
  readonly round: (value: number) => number;
}

/**
 * Mean and m2 of the part of each set on this rank, every operation rounded to `accumulate`: what an
 * algorithm does to them is its subject, so it is plain scalar code, slower than the kernels.
 *
 * **Order.** Sums as `IndexSets` documents; Welford in memory order. Rounding the float64 result of one
 * operation again gives the format's own result, since 53 >= 2p + 2 (Figueroa 1995, When is double rounding
 * innocuous?).
 *
 * @returns how many variances rounding had made negative; they are taken as 0. NaN stays.
 */
export function roundedMoments(
  algorithm: MomentsAlgorithm,
  accumulate: NumberFormat,
  task: Omit<Task, "round">,
): number {
  return algorithms[algorithm]({ ...task, round: (value) => roundTo(accumulate, value) });
}

const algorithms: Readonly<Record<MomentsAlgorithm, (task: Task) => number>> = {
  "two-pass": twoPass,
  "one-pass": (task) => fromSquares(task, new Float64Array(task.sets.setCount)),
  shifted: (task) => fromSquares(task, firstValues(task)),
  welford,
};

/** The mean, then the squares of deviations from it. */
function twoPass({ input: { x, mask }, sets, count, mean, m2, round }: Task): number {
  sumInto(mean, "set", sets, mask, (e) => round(x[e]!), round);
  for (let set = 0; set < sets.setCount; set++)
    mean[set] = count[set] === 0 ? 0 : round(mean[set]! / count[set]!);
  const square = (e: number, set: number): number => {
    const deviation = round(x[e]! - mean[set]!);
    return round(deviation * deviation);
  };
  sumInto(m2, "set", sets, mask, square, round);
  return 0;
}

/** E[(x − s)²] − E[x − s]² about a shift s: 0 is the textbook's, which cancels where the mean is large. */
function fromSquares(
  { input: { x, mask }, sets, count, mean, m2, round }: Task,
  shift: Float64Array,
): number {
  const offset = (e: number, set: number): number => round(x[e]! - shift[set]!);
  sumInto(mean, "set", sets, mask, offset, round);
  const square = (e: number, set: number): number => round(offset(e, set) * offset(e, set));
  sumInto(m2, "set", sets, mask, square, round);
  let clampedVariances = 0;
  for (let set = 0; set < sets.setCount; set++) {
    const n = count[set]!;
    if (n === 0) continue;
    const first = round(mean[set]! / n);
    const variance = round(round(m2[set]! / n) - round(first * first));
    if (variance < 0) clampedVariances++;
    mean[set] = round(shift[set]! + first);
    m2[set] = variance < 0 ? 0 : variance * n;
  }
  return clampedVariances;
}

/** The first value of each set on this rank. */
function firstValues({ input: { x, mask }, sets, round }: Task): Float64Array {
  const first = new Float64Array(sets.setCount);
  const isKnown = new Uint8Array(sets.setCount);
  for (const row of rowsOf(sets)) {
    visitRow(row, sets, mask, (element, set) => {
      if (isKnown[set] === 0) first[set] = round(x[element]!);
      isKnown[set] = 1;
    });
  }
  return first;
}

/** One value after the other (Welford 1962, Technometrics 4:419). */
function welford({ input: { x, mask }, sets, mean, m2, round }: Task): number {
  const seen = new Float64Array(sets.setCount);
  for (const array of [mean, m2]) array.fill(0);
  for (const row of rowsOf(sets)) {
    visitRow(row, sets, mask, (element, set) => {
      seen[set]!++;
      const value = round(x[element]!);
      const delta = round(value - mean[set]!);
      mean[set] = round(mean[set]! + round(delta / seen[set]!));
      m2[set] = round(m2[set]! + round(delta * round(value - mean[set]!)));
    });
  }
  return 0;
}
