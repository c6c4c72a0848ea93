import type { FloatArray } from "../kernels/kernels.ts";
import type { RankView, SetStatistics } from "./operator.ts";
import type { Slice } from "./slices.ts";

/** Names of the arrays of per-set statistics. */
export const setArrays: readonly (keyof SetStatistics)[] = [
  "count",
  "mean",
  "m2",
  "invStd",
  "sumG",
  "sumGXmu",
  "meanG",
  "slope",
  "scale",
];

/** Arrays for the statistics of `setCount` index sets, each taken in the order of `setArrays`. */
export function createStatistics(take: (length: number) => Float64Array, setCount: number): SetStatistics {
  return eachArray(() => take(setCount));
}

function eachArray(of: (name: keyof SetStatistics) => Float64Array): SetStatistics {
  return Object.fromEntries(setArrays.map((name) => [name, of(name)])) as unknown as SetStatistics;
}

/** All samples of a rank. */
export interface SampleArrays extends Pick<RankView, "dy" | "y" | "dx"> {
  readonly x: FloatArray;
  /** [N, L]; null: every position is valid. */
  readonly mask: Uint8Array | null;
}

/** What a normaliser sees of one slice of a rank's samples. */
export type SliceView = Pick<RankView, "extent" | "sets" | "input" | "dy" | "y" | "dx" | "statistics">;

/** The parts of a rank's arrays that its slices cover; `statistics` has the sets of one slice after the other. */
export function viewsOfSlices(
  slices: readonly Slice[],
  { x, mask, dy, y, dx }: SampleArrays,
  statistics: SetStatistics,
): SliceView[] {
  let nextSet = 0;
  return slices.map(({ firstSample, extent, sets }) => {
    const { samples, channels, positions } = extent;
    const part = <T extends FloatArray | Uint8Array>(array: T, perSample: number): T =>
      array.subarray(firstSample * perSample, (firstSample + samples) * perSample) as T;
    const perSample = channels * positions;
    const firstSet = nextSet;
    nextSet += sets.setCount;
    return {
      extent,
      sets,
      input: { x: part(x, perSample), mask: mask === null ? null : part(mask, positions) },
      dy: part(dy, perSample),
      y: part(y, perSample),
      dx: part(dx, perSample),
      statistics: eachArray((name) => statistics[name].subarray(firstSet, nextSet)),
    };
  });
}
