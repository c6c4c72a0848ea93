import type { RankViews } from "./arena-views.ts";

/** Elements of a rank's y, and of dx after a backward pass, that are NaN or infinite. */
export function countNonFinite(
  { y, dx, comparedY, comparedDx, extent }: RankViews,
  backward: boolean,
): number {
  const ownSquares = (compared: Float64Array): Float64Array =>
    compared.subarray(2 * extent.channels, 3 * extent.channels);
  const outputs = [{ values: y, squares: ownSquares(comparedY) }];
  if (backward) outputs.push({ values: dx, squares: ownSquares(comparedDx) });
  let count = 0;
  for (const { values, squares } of outputs) {
    if (squares.every(Number.isFinite)) continue;
    for (const value of values) if (!Number.isFinite(value)) count++;
  }
  return count;
}
