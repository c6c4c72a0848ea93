/** The middle one; the upper of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Median wall seconds of `rounds` calls, after one that is not counted. */
export function medianSeconds(rounds: number, call: () => void): number {
  call();
  return median(
    Array.from({ length: rounds }, () => {
      const begun = performance.now();
      call();
      return (performance.now() - begun) / 1e3;
    }),
  );
}

/** The least wall seconds of five calls, after one that is not counted: what else the machine does only adds. */
export function leastSeconds(call: () => void): number {
  call();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const begun = performance.now();
    call();
    least = Math.min(least, (performance.now() - begun) / 1e3);
  }
  return least;
}
