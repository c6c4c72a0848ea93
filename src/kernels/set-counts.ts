import type { IndexSets } from "./index-sets.ts";

/**
 * How many valid elements every index set has.
 *
 * @param mask [N, L], 1 is valid; null: every token is.
 * @param count written, one per set.
 */
export function countValues(sets: IndexSets, mask: Uint8Array | null, count: Float64Array): void {
  const [e0, e1, e2, e3] = sets.extents as [number, number, number, number];
  if (mask === null) {
    count.fill(sets.setCount === 0 ? 0 : (e0 * e1 * e2 * e3) / sets.setCount);
    return;
  }
  const [s0, s1, s2, s3] = sets.setStrides as [number, number, number, number];
  const [t0, t1, t2, t3] = sets.tokenStrides as [number, number, number, number];
  count.fill(0);
  for (let i = 0; i < e0; i++) {
    for (let j = 0; j < e1; j++) {
      for (let k = 0; k < e2; k++) {
        let set = i * s0 + j * s1 + k * s2;
        let token = i * t0 + j * t1 + k * t2;
        for (let l = 0; l < e3; l++, set += s3, token += t3) count[set]! += mask[token] === 0 ? 0 : 1;
      }
    }
  }
}
