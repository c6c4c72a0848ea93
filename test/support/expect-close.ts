/**
 * Throw unless `got` is within `relative` times |want| of `want`, and say by how much it misses.
 */
export function expectClose(got: number | null, want: number, relative: number, label = "value"): void {
  const miss = got === null ? Number.NaN : Math.abs(got - want);
  if (miss <= relative * Math.abs(want)) return;
  throw new Error(`${label}: got ${got}, want ${want} ± ${relative * Math.abs(want)}, missed by ${miss}`);
}
