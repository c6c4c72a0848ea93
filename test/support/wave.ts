/** Deterministic values without structure, in [−2, 2]. */
export function wave(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 2 * Math.sin((i + 1) * 12.9898 + seed * 78.233));
}
