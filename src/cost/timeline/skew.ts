import { assert } from "../../assert.ts";

/**
 * Expected largest of `count` independent standard normals: how many standard deviations the slowest
 * of that many equal ranks is behind the average. 0 for one rank, 0.56 for 2, 1.42 for 8, about √(2 ln count).
 *
 * Computed as ∫₀^∞ 1 − Φ(x)^count − Φ(−x)^count dx, good to 1e-6.
 */
export function expectedMaximum(count: number): number {
  assert(Number.isInteger(count) && count >= 1, `the slowest of ${count} ranks`);
  const known = maximumByCount.get(count);
  if (known !== undefined) return known;
  const integrand = upperTail.map(
    (tail) => 1 - Math.exp(count * Math.log1p(-tail)) - Math.exp(count * Math.log(tail)),
  );
  const maximum = simpson(integrand);
  maximumByCount.set(count, maximum);
  return maximum;
}

/** Of a sweep over groups each count is asked for thousands of times. */
const maximumByCount = new Map<number, number>();

const gridStep = 0.04;
/** Far enough: 1 − Φ(12) is 2e-33. */
const gridEnd = 12;

/** 1 − Φ(x) for x = 0, gridStep, ..., gridEnd, by Simpson's rule from the right. */
const upperTail: readonly number[] = tailOfNormal();

function tailOfNormal(): number[] {
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const tail = [density(gridEnd) / gridEnd];
  for (let i = Math.round(gridEnd / gridStep) - 1; i >= 0; i--) {
    const left = i * gridStep;
    const area = density(left) + 4 * density(left + gridStep / 2) + density(left + gridStep);
    tail.push(tail.at(-1)! + (area * gridStep) / 6);
  }
  return tail.reverse();
}

/** Simpson's rule over the grid, whose number of intervals is even. */
function simpson(values: readonly number[]): number {
  let sum = values[0]! + values.at(-1)!;
  for (let i = 1; i < values.length - 1; i++) sum += (i % 2 === 1 ? 4 : 2) * values[i]!;
  return (sum * gridStep) / 3;
}
