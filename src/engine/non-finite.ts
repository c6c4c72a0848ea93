import type { RankViews } from "./arena-views.ts";

/** Elements that are NaN or infinite. */
export interface NonFinite {
  readonly y: number;
  readonly dx: number;
}

/** Count what of a rank's results is not finite; the squares summed for the comparison tell if there is any. */
export function countNonFinite(
  { y, dx, comparedY, comparedDx, extent }: RankViews,
  backward: boolean,
): NonFinite {
  const count = (values: RankViews["y"], compared: Float64Array): number => {
    const squares = compared.subarray(2 * extent.channels, 3 * extent.channels);
    if (squares.every(Number.isFinite)) return 0;
    let nonFinite = 0;
    for (const value of values) if (!Number.isFinite(value)) nonFinite++;
    return nonFinite;
  };
  return { y: count(y, comparedY), dx: backward ? count(dx, comparedDx) : 0 };
}
