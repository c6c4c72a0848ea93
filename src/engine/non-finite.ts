import { countNonFinite } from "../statistics/non-finite.ts";
import type { RankViews } from "./arena-views.ts";

/** Elements that are NaN or infinite. */
export interface NonFinite {
  readonly y: number;
  readonly dx: number;
}

/** Count what of a rank's results is not finite; the squares summed for the comparison tell if there is any. */
export function nonFiniteOf(
  { y, dx, comparedY, comparedDx, extent }: RankViews,
  backward: boolean,
): NonFinite {
  const count = (values: RankViews["y"], compared: Float64Array): number => {
    const squares = compared.subarray(2 * extent.channels, 3 * extent.channels);
    return squares.every(Number.isFinite) ? 0 : countNonFinite(values);
  };
  return { y: count(y, comparedY), dx: backward ? count(dx, comparedDx) : 0 };
}
