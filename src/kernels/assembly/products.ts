// Matrix products with float64 sums, rounded once on store.

import { bytes, pair, single, storePair, storeSingle } from "./rows";

/** Σ a[i]·b[i] over n elements: 8 lanes, folded as in sums.ts. */
// @ts-ignore: decorator
@inline
function dot<T>(a: usize, b: usize, n: i32): f64 {
  let a0 = f64x2.splat(0);
  let a1 = f64x2.splat(0);
  let a2 = f64x2.splat(0);
  let a3 = f64x2.splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a0 = f64x2.add(a0, f64x2.mul(pair<T>(a, i), pair<T>(b, i)));
    a1 = f64x2.add(a1, f64x2.mul(pair<T>(a, i + 2), pair<T>(b, i + 2)));
    a2 = f64x2.add(a2, f64x2.mul(pair<T>(a, i + 4), pair<T>(b, i + 4)));
    a3 = f64x2.add(a3, f64x2.mul(pair<T>(a, i + 6), pair<T>(b, i + 6)));
  }
  for (let lane = 0; i < n; i += 2, lane += 1) {
    const tail =
      i + 1 < n
        ? f64x2.mul(pair<T>(a, i), pair<T>(b, i))
        : f64x2.replace_lane(f64x2.splat(0), 0, single<T>(a, i) * single<T>(b, i));
    if (lane == 0) a0 = f64x2.add(a0, tail);
    else if (lane == 1) a1 = f64x2.add(a1, tail);
    else if (lane == 2) a2 = f64x2.add(a2, tail);
    else a3 = f64x2.add(a3, tail);
  }
  const folded = f64x2.add(f64x2.add(a0, a2), f64x2.add(a1, a3));
  return f64x2.extract_lane(folded, 0) + f64x2.extract_lane(folded, 1);
}

/** Both factors lie along the inner index: c[m, n] = a[m, :] · b[:, n] + bias[n]. */
export function multiplyAlongOf<T>(
  a: usize, aRow: i32, b: usize, bColumn: i32, bias: usize, c: usize, cRow: i32, rows: i32, columns: i32, inner: i32,
): void {
  for (let m = 0; m < rows; m++) {
    const row = a + bytes<T>(m * aRow);
    const target = c + bytes<T>(m * cRow);
    for (let n = 0; n < columns; n++) {
      const sum = dot<T>(row, b + bytes<T>(n * bColumn), inner);
      storeSingle<T>(target, n, bias == 0 ? sum : sum + single<T>(bias, n));
    }
  }
}

/** The second factor and the result lie along the columns; a sum adds its terms in the order of the inner index. */
export function multiplyAcrossOf<T>(
  a: usize, aRow: i32, aColumn: i32, b: usize, bRow: i32, bias: usize, c: usize, cRow: i32,
  rows: i32, columns: i32, inner: i32,
): void {
  const step = bytes<T>(bRow);
  const factorStep = bytes<T>(aColumn);
  for (let m = 0; m < rows; m++) {
    const factors = a + bytes<T>(m * aRow);
    const target = c + bytes<T>(m * cRow);
    let n = 0;
    for (; n + 8 <= columns; n += 8) {
      let c0 = f64x2.splat(0);
      let c1 = f64x2.splat(0);
      let c2 = f64x2.splat(0);
      let c3 = f64x2.splat(0);
      let row = b;
      let factor = factors;
      for (let k = 0; k < inner; k++, row += step, factor += factorStep) {
        const f = f64x2.splat(single<T>(factor, 0));
        c0 = f64x2.add(c0, f64x2.mul(f, pair<T>(row, n)));
        c1 = f64x2.add(c1, f64x2.mul(f, pair<T>(row, n + 2)));
        c2 = f64x2.add(c2, f64x2.mul(f, pair<T>(row, n + 4)));
        c3 = f64x2.add(c3, f64x2.mul(f, pair<T>(row, n + 6)));
      }
      storePair<T>(target, n, biased<T>(c0, bias, n));
      storePair<T>(target, n + 2, biased<T>(c1, bias, n + 2));
      storePair<T>(target, n + 4, biased<T>(c2, bias, n + 4));
      storePair<T>(target, n + 6, biased<T>(c3, bias, n + 6));
    }
    for (; n < columns; n++) {
      let sum: f64 = 0;
      let row = b;
      let factor = factors;
      for (let k = 0; k < inner; k++, row += step, factor += factorStep) sum += single<T>(factor, 0) * single<T>(row, n);
      storeSingle<T>(target, n, bias == 0 ? sum : sum + single<T>(bias, n));
    }
  }
}

// @ts-ignore: decorator
@inline
function biased<T>(sums: v128, bias: usize, n: i32): v128 {
  return bias == 0 ? sums : f64x2.add(sums, pair<T>(bias, n));
}
