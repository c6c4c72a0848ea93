// Float32 rows that lie in one set: y, dx and gradient sums in float32 arithmetic.

import { Along, Flat } from "./rows";
import { part } from "./lanes";

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
// @ts-ignore: decorator
@inline
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
// @ts-ignore: decorator
@inline
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
function addTo(target: usize, term: v128): void {
  v128.store(target, f32x4.add(v128.load(target), term));
}

/** dWeight += dy · ((x − mean) · invStd) and dBias += dy of one row, arrays of float32. */
export function addAffine(x: usize, dy: usize, n: i32, mean: f64, invStd: f64, dWeight: usize, dBias: usize): void {
  const high = f32x4.splat(<f32>mean);
  const low = f32x4.splat(<f32>(mean - <f64>(<f32>mean)));
  const iv = f32x4.splat(<f32>invStd);
  for (const end = x + (<usize>(n & ~7) << 2); x < end; x += 32, dy += 32, dWeight += 32, dBias += 32) {
    const g = v128.load(dy);
    const g2 = v128.load(dy, 16);
    const w = f32x4.mul(g, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x), high), low), iv));
    const w2 = f32x4.mul(g2, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x, 16), high), low), iv));
    v128.store(dWeight, f32x4.add(v128.load(dWeight), w));
    v128.store(dWeight, f32x4.add(v128.load(dWeight, 16), w2), 16);
    v128.store(dBias, f32x4.add(v128.load(dBias), g));
    v128.store(dBias, f32x4.add(v128.load(dBias, 16), g2), 16);
  }
  for (let rest = n & 7; rest > 0; rest -= 4, x += 16, dy += 16, dWeight += 16, dBias += 16) {
    const g = rest < 4 ? part(dy, rest) : v128.load(dy);
    const v = rest < 4 ? part(x, rest) : v128.load(x);
    addTo(dWeight, f32x4.mul(g, f32x4.mul(f32x4.sub(f32x4.sub(v, high), low), iv)));
    addTo(dBias, g);
  }
}
