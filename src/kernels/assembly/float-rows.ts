// Float32 rows that lie in one set: y, dx and gradient sums in float32 arithmetic.

import { Along, Flat } from "./rows";
import { fold, part, setSums } from "./lanes";

/** The first `count` (1 to 3) of 4 lanes. */
// @ts-ignore: decorator
@inline
function storePart(p: usize, value: v128, count: i32): void {
  if (count == 1) {
    v128.store32_lane(p, value, 0);
    return;
  }
  v128.store64_lane(p, value, 0);
  if (count == 3) v128.store32_lane(p + 8, value, 2);
}

/** Four of a channel's factor: of consecutive channels if C is Along, else one channel's. */
// @ts-ignore: decorator
@inline
function four<C>(p: usize, flat: v128): v128 {
  return sizeof<C>() == sizeof<Along>() ? v128.load(p) : flat;
}

// @ts-ignore: decorator
@inline
function normalized(x: v128, high: v128, low: v128, invStd: v128, weight: v128, bias: v128): v128 {
  const centred = f32x4.sub(f32x4.sub(x, high), low);
  return f32x4.add(f32x4.mul(f32x4.mul(centred, invStd), weight), bias);
}

/**
 * y = (x − mean) · invStd · weight + bias. The mean is two float32, so that x − mean is as exact as x.
 *
 * @param weight, bias arrays of float32, 4 more than n of them readable.
 */
export function normalizeFloats<C>(x: usize, n: i32, mean: f64, invStd: f64, weight: usize, bias: usize, y: usize): void {
  const high = f32x4.splat(<f32>mean);
  const low = f32x4.splat(<f32>(mean - <f64>(<f32>mean)));
  const iv = f32x4.splat(<f32>invStd);
  const w = v128.load32_splat(weight);
  const b = v128.load32_splat(bias);
  for (const end = x + (<usize>(n & ~7) << 2); x < end; x += 32, y += 32) {
    v128.store(y, normalized(v128.load(x), high, low, iv, four<C>(weight, w), four<C>(bias, b)));
    const next = normalized(v128.load(x, 16), high, low, iv, four<C>(weight + 16, w), four<C>(bias + 16, b));
    v128.store(y, next, 16);
    if (sizeof<C>() == sizeof<Along>()) {
      weight += 32;
      bias += 32;
    }
  }
  if ((n & 4) != 0) {
    v128.store(y, normalized(v128.load(x), high, low, iv, four<C>(weight, w), four<C>(bias, b)));
    x += 16;
    y += 16;
    if (sizeof<C>() == sizeof<Along>()) {
      weight += 16;
      bias += 16;
    }
  }
  const rest = n & 3;
  if (rest != 0) storePart(y, normalized(part(x, rest), high, low, iv, four<C>(weight, w), four<C>(bias, b)), rest);
}

// @ts-ignore: decorator
@inline
function differentiated(x: v128, dy: v128, high: v128, weight: v128, meanG: v128, slope: v128, scale: v128): v128 {
  const rest = f32x4.sub(f32x4.mul(dy, weight), meanG);
  return f32x4.mul(f32x4.sub(rest, f32x4.mul(f32x4.sub(x, high), slope)), scale);
}

/** dx = (dy · weight − meanG − (x − mean) · slope) · scale; what float32 loses of the mean is in meanG. */
export function differentiateFloats<C>(
  x: usize, dy: usize, n: i32, mean: f64, meanG: f64, slope: f64, scale: f64, weight: usize, dx: usize,
): void {
  const high = f32x4.splat(<f32>mean);
  const g = f32x4.splat(<f32>(meanG - (mean - <f64>(<f32>mean)) * slope));
  const l = f32x4.splat(<f32>slope);
  const k = f32x4.splat(<f32>scale);
  const w = v128.load32_splat(weight);
  for (const end = x + (<usize>(n & ~7) << 2); x < end; x += 32, dy += 32, dx += 32) {
    v128.store(dx, differentiated(v128.load(x), v128.load(dy), high, four<C>(weight, w), g, l, k));
    v128.store(dx, differentiated(v128.load(x, 16), v128.load(dy, 16), high, four<C>(weight + 16, w), g, l, k), 16);
    if (sizeof<C>() == sizeof<Along>()) weight += 32;
  }
  if ((n & 4) != 0) {
    v128.store(dx, differentiated(v128.load(x), v128.load(dy), high, four<C>(weight, w), g, l, k));
    x += 16;
    dy += 16;
    dx += 16;
    if (sizeof<C>() == sizeof<Along>()) weight += 16;
  }
  const rest = n & 3;
  if (rest != 0) {
    storePart(dx, differentiated(part(x, rest), part(dy, rest), high, four<C>(weight, w), g, l, k), rest);
  }
}

// @ts-ignore: decorator
@inline
function timesCentred(g: v128, x: v128, high: v128, low: v128): v128 {
  return f32x4.mul(g, f32x4.sub(f32x4.sub(x, high), low));
}

/**
 * At most SHORT_BLOCK elements of a row, with g = dy · (x − mean): dWeight += g · invStd and dBias += dy, arrays of
 * float32; Σ dy · weight and Σ g · weight into `firstSum` and `secondSum`. 16 lanes would not leave registers enough.
 *
 * @param weight, dWeight, dBias 4 more than n of them readable.
 */
export function addGradients(
  x: usize, dy: usize, n: i32, mean: f64, invStd: f64, weight: usize, dWeight: usize, dBias: usize,
): void {
  const high = f32x4.splat(<f32>mean);
  const low = f32x4.splat(<f32>(mean - <f64>(<f32>mean)));
  const iv = f32x4.splat(<f32>invStd);
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0);
  for (const end = x + (<usize>(n & ~7) << 2); x < end; x += 32) {
    let d = v128.load(dy);
    let g = timesCentred(d, v128.load(x), high, low);
    let w = v128.load(weight);
    v128.store(dBias, f32x4.add(v128.load(dBias), d));
    v128.store(dWeight, f32x4.add(v128.load(dWeight), f32x4.mul(g, iv)));
    a0 = f32x4.add(a0, f32x4.mul(d, w));
    b0 = f32x4.add(b0, f32x4.mul(g, w));
    d = v128.load(dy, 16);
    g = timesCentred(d, v128.load(x, 16), high, low);
    w = v128.load(weight, 16);
    v128.store(dBias, f32x4.add(v128.load(dBias, 16), d), 16);
    v128.store(dWeight, f32x4.add(v128.load(dWeight, 16), f32x4.mul(g, iv)), 16);
    a1 = f32x4.add(a1, f32x4.mul(d, w));
    b1 = f32x4.add(b1, f32x4.mul(g, w));
    dy += 32;
    weight += 32;
    dWeight += 32;
    dBias += 32;
  }
  for (let rest = n & 7, lane = 0; rest > 0; rest -= 4, lane++) {
    const few = rest < 4;
    const d = few ? part(dy, rest) : v128.load(dy);
    const g = timesCentred(d, few ? part(x, rest) : v128.load(x), high, low);
    const w = v128.load(weight);
    const valid = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest));
    const a = v128.and(f32x4.mul(d, w), valid);
    const b = v128.and(f32x4.mul(g, w), valid);
    v128.store(dBias, f32x4.add(v128.load(dBias), d));
    v128.store(dWeight, f32x4.add(v128.load(dWeight), f32x4.mul(g, iv)));
    if (lane == 0) {
      a0 = f32x4.add(a0, a);
      b0 = f32x4.add(b0, b);
    } else {
      a1 = f32x4.add(a1, a);
      b1 = f32x4.add(b1, b);
    }
    x += 16;
    dy += 16;
    weight += 16;
    dWeight += 16;
    dBias += 16;
  }
  const none = f32x4.splat(0);
  setSums(fold(a0, a1, none, none), fold(b0, b1, none, none));
}
