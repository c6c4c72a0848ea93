// Two sums of a part of a float32 row at a time, in float32 lanes that are then brought to float64.

import { Along, at64, Flat } from "./rows";

/** Elements of a row that are added in float32 before their sum is made a float64; 64 a lane. */
export const BLOCK: i32 = 1024;

/** The same where there are 8 lanes. */
export const SHORT_BLOCK: i32 = 512;
/** Columns that are worked on at once, each with up to three float32 of scratch. */
export const COLUMNS: i32 = 4096;

// What is summed, as a type so that it is a constant.
/** d = x − shift: Σ d and Σ d². */
export type Moments = Flat;
/** g = dy · weight: Σ g and Σ g · (x − shift). */
export type Gradient = Along;
/** Σ x and Σ x²: the moments about 0. */
export type Plain = i32;

export let firstSum: f64 = 0;
export let secondSum: f64 = 0;

// @ts-ignore: decorator
@inline
export function setSums(first: f64, second: f64): void {
  firstSum = first;
  secondSum = second;
}

/** The first `count` (1 to 3) of 4 elements, the rest 0; reads no further. */
// @ts-ignore: decorator
@inline
export function part(p: usize, count: i32): v128 {
  if (count == 3) return v128.load32_lane(p + 8, v128.load64_zero(p), 2);
  return count == 2 ? v128.load64_zero(p) : v128.load32_zero(p);
}

/** Bring n float64 to float32. */
export function narrow(from: usize, n: i32, to: usize): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    v128.store64_lane(to + (<usize>i << 2), f32x4.demote_f64x2_zero(v128.load(at64(from, i))), 0);
  }
  if (i < n) store<f32>(to + (<usize>i << 2), <f32>load<f64>(at64(from, i)));
}

/** 16 lanes as one float64: in float32 (0+4)+(8+12) and so on, in float64 ((0+2)+(1+3)) of those. */
// @ts-ignore: decorator
@inline
export function fold(a: v128, b: v128, c: v128, d: v128): f64 {
  const four = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  const high = v128.shuffle<i32>(four, four, 2, 3, 2, 3);
  const two = f64x2.add(f64x2.promote_low_f32x4(four), f64x2.promote_low_f32x4(high));
  return f64x2.extract_lane(two, 0) + f64x2.extract_lane(two, 1);
}

// @ts-ignore: decorator
@inline
function first<K>(x: v128, dy: v128, shift: v128, w: v128): v128 {
  if (sizeof<K>() == sizeof<Plain>()) return x;
  return sizeof<K>() == sizeof<Moments>() ? f32x4.sub(x, shift) : f32x4.mul(dy, w);
}

// @ts-ignore: decorator
@inline
function second<K>(term: v128, x: v128, shift: v128): v128 {
  return f32x4.mul(term, sizeof<K>() == sizeof<Gradient>() ? f32x4.sub(x, shift) : term);
}

// @ts-ignore: decorator
@inline
function factor4<K>(p: usize, x: v128): v128 {
  return sizeof<K>() == sizeof<Gradient>() ? v128.load(p) : x;
}

// @ts-ignore: decorator
@inline
function weight4<C>(weights: usize, flat: v128): v128 {
  return sizeof<C>() == sizeof<Along>() ? v128.load(weights) : flat;
}

/**
 * Sums of n elements, BLOCK at most, into `firstSum` and `secondSum`.
 *
 * @param weights float32, 4 more than n of them readable if C is Along; else the first is all elements'.
 */
export function sumTwo<K, C>(x: usize, dy: usize, n: i32, shift: f32, weights: usize): void {
  const s = f32x4.splat(shift);
  const flat = sizeof<K>() == sizeof<Gradient>() ? v128.load32_splat(weights) : s;
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  for (const end = x + (<usize>(n & ~15) << 2); x < end; x += 64) {
    let v = v128.load(x);
    let t = first<K>(v, factor4<K>(dy, v), s, weight4<C>(weights, flat));
    a0 = f32x4.add(a0, t);
    b0 = f32x4.add(b0, second<K>(t, v, s));
    v = v128.load(x, 16);
    t = first<K>(v, factor4<K>(dy + 16, v), s, weight4<C>(weights + 16, flat));
    a1 = f32x4.add(a1, t);
    b1 = f32x4.add(b1, second<K>(t, v, s));
    v = v128.load(x, 32);
    t = first<K>(v, factor4<K>(dy + 32, v), s, weight4<C>(weights + 32, flat));
    a2 = f32x4.add(a2, t);
    b2 = f32x4.add(b2, second<K>(t, v, s));
    v = v128.load(x, 48);
    t = first<K>(v, factor4<K>(dy + 48, v), s, weight4<C>(weights + 48, flat));
    a3 = f32x4.add(a3, t);
    b3 = f32x4.add(b3, second<K>(t, v, s));
    if (sizeof<K>() == sizeof<Gradient>()) dy += 64;
    if (sizeof<C>() == sizeof<Along>()) weights += 64;
  }
  for (let rest = n & 15, lane = 0; rest > 0; rest -= 4, lane++) {
    const few = rest < 4;
    const v = few ? part(x, rest) : v128.load(x);
    const g = sizeof<K>() != sizeof<Gradient>() ? v : few ? part(dy, rest) : v128.load(dy);
    const valid = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest));
    const t = v128.and(first<K>(v, g, s, weight4<C>(weights, flat)), valid);
    const u = v128.and(second<K>(t, v, s), valid);
    if (lane == 0) {
      a0 = f32x4.add(a0, t);
      b0 = f32x4.add(b0, u);
    } else if (lane == 1) {
      a1 = f32x4.add(a1, t);
      b1 = f32x4.add(b1, u);
    } else if (lane == 2) {
      a2 = f32x4.add(a2, t);
      b2 = f32x4.add(b2, u);
    } else {
      a3 = f32x4.add(a3, t);
      b3 = f32x4.add(b3, u);
    }
    x += 16;
    if (sizeof<K>() == sizeof<Gradient>()) dy += 16;
    if (sizeof<C>() == sizeof<Along>()) weights += 16;
  }
  setSums(fold(a0, a1, a2, a3), fold(b0, b1, b2, b3));
}

/** The sums of `Moments` over a row in float64, in order: for squares that float32 cannot hold. */
export function sumWide(x: usize, step: usize, n: i32, shift: f32): void {
  let a: f64 = 0;
  let b: f64 = 0;
  for (let i = 0; i < n; i++, x += step) {
    const d = <f64>load<f32>(x) - <f64>shift;
    a += d;
    b += d * d;
  }
  setSums(a, b);
}
