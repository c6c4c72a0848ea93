/** Median seconds of `rounds` calls, after one that is not counted. */
export function medianSeconds(rounds: number, call: () => void): number {
  call();
  const seconds = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    call();
    return (performance.now() - begun) / 1000;
  });
  return seconds.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
}
