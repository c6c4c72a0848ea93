// Sums of a term over the valid elements of a row, in lanes or element by element.

import { Along, at64, factor, factorPair, Flat, pair, single } from "./rows";

// The terms, passed as constants and folded away.
export const X: i32 = 0; // x
export const SQUARE: i32 = 1; // (x − mean)²
export const G: i32 = 2; // dy · weight
export const G_XMU: i32 = 3; // dy · weight · (x − mean)
export const DIFFERENCE: i32 = 4; // (x − dy)²
export const PRODUCT: i32 = 5; // x · dy
export const X_SQUARE: i32 = 6; // x²
export const DY_SQUARE: i32 = 7; // dy²
export const DY_XHAT: i32 = 8; // dy · ((x − mean) · invStd)
export const DY: i32 = 9; // dy

/** The pointers a term reads; `sum` is where it is added. Arrays by set are advanced to the row's set. */
// @ts-ignore: decorator
@inline
function termPair<T, S, C>(k: i32, x: usize, dy: usize, mean: usize, invStd: usize, weight: usize, i: i32): v128 {
  if (k == X) return pair<T>(x, i);
  if (k == DY) return pair<T>(dy, i);
  if (k == SQUARE) {
    const deviation = f64x2.sub(pair<T>(x, i), factorPair<S>(mean, i));
    return f64x2.mul(deviation, deviation);
  }
  if (k == G) return f64x2.mul(pair<T>(dy, i), factorPair<C>(weight, i));
  if (k == G_XMU) {
    const g = f64x2.mul(pair<T>(dy, i), factorPair<C>(weight, i));
    return f64x2.mul(g, f64x2.sub(pair<T>(x, i), factorPair<S>(mean, i)));
  }
  if (k == DY_XHAT) {
    const centred = f64x2.sub(pair<T>(x, i), factorPair<S>(mean, i));
    return f64x2.mul(pair<T>(dy, i), f64x2.mul(centred, factorPair<S>(invStd, i)));
  }
  if (k == PRODUCT) return f64x2.mul(pair<T>(x, i), pair<T>(dy, i));
  const value =
    k == X_SQUARE ? pair<T>(x, i) : k == DY_SQUARE ? pair<T>(dy, i) : f64x2.sub(pair<T>(x, i), pair<T>(dy, i));
  return f64x2.mul(value, value);
}

// @ts-ignore: decorator
@inline
function termSingle<T, S, C>(k: i32, x: usize, dy: usize, mean: usize, invStd: usize, weight: usize, i: i32): f64 {
  if (k == X) return single<T>(x, i);
  if (k == DY) return single<T>(dy, i);
  if (k == SQUARE) {
    const deviation = single<T>(x, i) - factor<S>(mean, i);
    return deviation * deviation;
  }
  if (k == G) return single<T>(dy, i) * factor<C>(weight, i);
  if (k == G_XMU) return single<T>(dy, i) * factor<C>(weight, i) * (single<T>(x, i) - factor<S>(mean, i));
  if (k == DY_XHAT) return single<T>(dy, i) * ((single<T>(x, i) - factor<S>(mean, i)) * factor<S>(invStd, i));
  if (k == PRODUCT) return single<T>(x, i) * single<T>(dy, i);
  const value =
    k == X_SQUARE ? single<T>(x, i) : k == DY_SQUARE ? single<T>(dy, i) : single<T>(x, i) - single<T>(dy, i);
  return value * value;
}

/** All ones where the element is valid; M is Flat for rows without a mask. */
// @ts-ignore: decorator
@inline
function keep<M>(value: v128, mask: usize, i: i32): v128 {
  if (sizeof<M>() == 1) return value;
  const first = 0 - <i64>(load<u8>(mask + <usize>i) != 0);
  const second = 0 - <i64>(load<u8>(mask + <usize>i + 1) != 0);
  return v128.and(value, i64x2.replace_lane(i64x2.splat(first), 1, second));
}

/** The row lies in one set: add its lane-wise sum to the one element at `sum`. */
// @ts-ignore: decorator
@inline
function reduceRow<T, S, C, M>(
  k: i32, x: usize, dy: usize, mean: usize, invStd: usize, weight: usize, mask: usize, n: i32, sum: usize,
): void {
  let a0 = f64x2.splat(0);
  let a1 = f64x2.splat(0);
  let a2 = f64x2.splat(0);
  let a3 = f64x2.splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a0 = f64x2.add(a0, keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i), mask, i));
    a1 = f64x2.add(a1, keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i + 2), mask, i + 2));
    a2 = f64x2.add(a2, keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i + 4), mask, i + 4));
    a3 = f64x2.add(a3, keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i + 6), mask, i + 6));
  }
  for (let lane = 0; i < n; i += 2, lane += 1) {
    let tail: v128;
    if (i + 1 < n) {
      tail = keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i), mask, i);
    } else {
      const valid = sizeof<M>() == 1 || load<u8>(mask + <usize>i) != 0;
      const value = valid ? termSingle<T, S, C>(k, x, dy, mean, invStd, weight, i) : 0;
      tail = f64x2.replace_lane(f64x2.splat(0), 0, value);
    }
    if (lane == 0) a0 = f64x2.add(a0, tail);
    else if (lane == 1) a1 = f64x2.add(a1, tail);
    else if (lane == 2) a2 = f64x2.add(a2, tail);
    else a3 = f64x2.add(a3, tail);
  }
  const folded = f64x2.add(f64x2.add(a0, a2), f64x2.add(a1, a3));
  store<f64>(sum, load<f64>(sum) + (f64x2.extract_lane(folded, 0) + f64x2.extract_lane(folded, 1)));
}

/** The row crosses sets: add each element's term to its own element of `sum`. */
// @ts-ignore: decorator
@inline
function spreadRow<T, S, C, M>(
  k: i32, x: usize, dy: usize, mean: usize, invStd: usize, weight: usize, mask: usize, n: i32, sum: usize,
): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const term = keep<M>(termPair<T, S, C>(k, x, dy, mean, invStd, weight, i), mask, i);
    v128.store(at64(sum, i), f64x2.add(v128.load(at64(sum, i)), term));
  }
  if (i < n && (sizeof<M>() == 1 || load<u8>(mask + <usize>i) != 0)) {
    store<f64>(at64(sum, i), load<f64>(at64(sum, i)) + termSingle<T, S, C>(k, x, dy, mean, invStd, weight, i));
  }
}

/** One row of term k; `along` says that the sum moves with the element, `masked` that the mask does. */
// @ts-ignore: decorator
@inline
export function sumRow<T, S, C>(
  k: i32, along: bool, masked: bool,
  x: usize, dy: usize, mean: usize, invStd: usize, weight: usize, mask: usize, n: i32, sum: usize,
): void {
  if (along) {
    if (masked) spreadRow<T, S, C, Along>(k, x, dy, mean, invStd, weight, mask, n, sum);
    else spreadRow<T, S, C, Flat>(k, x, dy, mean, invStd, weight, mask, n, sum);
  } else {
    if (masked) reduceRow<T, S, C, Along>(k, x, dy, mean, invStd, weight, mask, n, sum);
    else reduceRow<T, S, C, Flat>(k, x, dy, mean, invStd, weight, mask, n, sum);
  }
}
