// The exported kernels, each for float32 and float64 storage. See kernels.ts beside this folder for what they compute.

import { addOf } from "./blocks";
import { gradientOf, normalizeOf } from "./elementwise";
import { multiplyAcrossOf, multiplyAlongOf } from "./products";
import {
  Along, at64, bytes, channelIndex, Description, Flat, innerChannelStride, innerSetStride, innerTokenStride, locate,
  open, rowCount, rowLength, setIndex, single, skips, storeSingle, tokenIndex,
} from "./rows";
import {
  DIFFERENCE, DY, DY_SQUARE, DY_XHAT, G, G_XMU, PRODUCT, SQUARE, sumRow, X, X_SQUARE,
} from "./sums";

export { copy, reaches } from "./blocks";
export { allGradientSumsInSets, differentiateInSets, gradientSumsInSets, normalizeInSets } from "./float-sets";
export { roundToBfloat16, roundToFloat16 } from "./half-formats";
export { moments32 } from "./moments";
export { fillNormals32, fillNormals64 } from "./normals";

function sumsOf<T>(k: i32, x: usize, dy: usize, mask: usize, d: Description, mean: usize, weight: usize, sum: usize): void {
  open(d);
  const s = innerSetStride(d) != 0;
  const c = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  for (let r = 0; r < rowCount; r++) {
    locate(d, r);
    if (skips(mask, masked)) continue;
    const start = bytes<T>(r * rowLength);
    const m = at64(mean, setIndex);
    const w = at64(weight, channelIndex);
    const target = at64(sum, setIndex);
    const rowMask = mask + <usize>tokenIndex;
    if (k == X) {
      sumRow<T, Flat, Flat>(X, s, masked, x + start, 0, 0, 0, 0, rowMask, rowLength, target);
    } else if (k == SQUARE) {
      if (s) sumRow<T, Along, Flat>(SQUARE, true, masked, x + start, 0, m, 0, 0, rowMask, rowLength, target);
      else sumRow<T, Flat, Flat>(SQUARE, false, masked, x + start, 0, m, 0, 0, rowMask, rowLength, target);
    } else if (k == G) {
      if (c) sumRow<T, Flat, Along>(G, s, masked, 0, dy + start, 0, 0, w, rowMask, rowLength, target);
      else sumRow<T, Flat, Flat>(G, s, masked, 0, dy + start, 0, 0, w, rowMask, rowLength, target);
    } else if (k == G_XMU) {
      const row = x + start;
      if (s) {
        if (c) sumRow<T, Along, Along>(G_XMU, true, masked, row, dy + start, m, 0, w, rowMask, rowLength, target);
        else sumRow<T, Along, Flat>(G_XMU, true, masked, row, dy + start, m, 0, w, rowMask, rowLength, target);
      } else {
        if (c) sumRow<T, Flat, Along>(G_XMU, false, masked, row, dy + start, m, 0, w, rowMask, rowLength, target);
        else sumRow<T, Flat, Flat>(G_XMU, false, masked, row, dy + start, m, 0, w, rowMask, rowLength, target);
      }
    } else if (k == DIFFERENCE) {
      sumRow<T, Flat, Flat>(DIFFERENCE, s, masked, x + start, dy + start, 0, 0, 0, rowMask, rowLength, target);
    } else if (k == PRODUCT) {
      sumRow<T, Flat, Flat>(PRODUCT, s, masked, x + start, dy + start, 0, 0, 0, rowMask, rowLength, target);
    } else if (k == X_SQUARE) {
      sumRow<T, Flat, Flat>(X_SQUARE, s, masked, x + start, 0, 0, 0, 0, rowMask, rowLength, target);
    } else {
      sumRow<T, Flat, Flat>(DY_SQUARE, s, masked, 0, dy + start, 0, 0, 0, rowMask, rowLength, target);
    }
  }
}

function affineGradientsOf<T>(
  x: usize, dy: usize, mask: usize, d: Description, mean: usize, invStd: usize, dWeight: usize, dBias: usize,
): void {
  open(d);
  const s = innerSetStride(d) != 0;
  const c = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  for (let r = 0; r < rowCount; r++) {
    locate(d, r);
    if (skips(mask, masked)) continue;
    const row = x + bytes<T>(r * rowLength);
    const dyRow = dy + bytes<T>(r * rowLength);
    const m = at64(mean, setIndex);
    const iv = at64(invStd, setIndex);
    const rowMask = mask + <usize>tokenIndex;
    const weightTarget = at64(dWeight, channelIndex);
    if (s) sumRow<T, Along, Flat>(DY_XHAT, c, masked, row, dyRow, m, iv, 0, rowMask, rowLength, weightTarget);
    else sumRow<T, Flat, Flat>(DY_XHAT, c, masked, row, dyRow, m, iv, 0, rowMask, rowLength, weightTarget);
    sumRow<T, Flat, Flat>(DY, c, masked, 0, dyRow, 0, 0, 0, rowMask, rowLength, at64(dBias, channelIndex));
  }
}

function sumTerm<T>(k: i32, x: usize, dy: usize, mask: usize, d: Description, mean: usize, weight: usize, sum: usize): void {
  // Each constant makes its own specialised loop.
  if (k == X) sumsOf<T>(X, x, 0, mask, d, 0, 0, sum);
  else if (k == SQUARE) sumsOf<T>(SQUARE, x, 0, mask, d, mean, 0, sum);
  else if (k == G) sumsOf<T>(G, x, dy, mask, d, mean, weight, sum);
  else if (k == G_XMU) sumsOf<T>(G_XMU, x, dy, mask, d, mean, weight, sum);
  else sumsOf<T>(k, x, dy, mask, d, mean, weight, sum);
}

function accumulateOf<T>(target: usize, incoming: usize, count: i32): void {
  const step = 16 / <i32>sizeof<T>();
  let i = 0;
  for (; i + step <= count; i += step) {
    const at = bytes<T>(i);
    const sum =
      sizeof<T>() == 4
        ? f32x4.add(v128.load(target + at), v128.load(incoming + at))
        : f64x2.add(v128.load(target + at), v128.load(incoming + at));
    v128.store(target + at, sum);
  }
  for (; i < count; i++) storeSingle<T>(target, i, single<T>(target, i) + single<T>(incoming, i));
}

export function sum32(k: i32, x: usize, dy: usize, mask: usize, d: usize, mean: usize, weight: usize, sum: usize): void {
  sumTerm<f32>(k, x, dy, mask, d, mean, weight, sum);
}
export function sum64(k: i32, x: usize, dy: usize, mask: usize, d: usize, mean: usize, weight: usize, sum: usize): void {
  sumTerm<f64>(k, x, dy, mask, d, mean, weight, sum);
}
export function normalize32(
  x: usize, mask: usize, d: usize, mean: usize, invStd: usize, weight: usize, bias: usize, y: usize,
): void {
  normalizeOf<f32>(x, mask, d, mean, invStd, weight, bias, y);
}
export function normalize64(
  x: usize, mask: usize, d: usize, mean: usize, invStd: usize, weight: usize, bias: usize, y: usize,
): void {
  normalizeOf<f64>(x, mask, d, mean, invStd, weight, bias, y);
}
export function gradient32(
  x: usize, dy: usize, mask: usize, d: usize,
  mean: usize, weight: usize, meanG: usize, slope: usize, scale: usize, dx: usize,
): void {
  gradientOf<f32>(x, dy, mask, d, mean, weight, meanG, slope, scale, dx);
}
export function gradient64(
  x: usize, dy: usize, mask: usize, d: usize,
  mean: usize, weight: usize, meanG: usize, slope: usize, scale: usize, dx: usize,
): void {
  gradientOf<f64>(x, dy, mask, d, mean, weight, meanG, slope, scale, dx);
}
export function affineGradients32(
  x: usize, dy: usize, mask: usize, d: usize, mean: usize, invStd: usize, dWeight: usize, dBias: usize,
): void {
  affineGradientsOf<f32>(x, dy, mask, d, mean, invStd, dWeight, dBias);
}
export function affineGradients64(
  x: usize, dy: usize, mask: usize, d: usize, mean: usize, invStd: usize, dWeight: usize, dBias: usize,
): void {
  affineGradientsOf<f64>(x, dy, mask, d, mean, invStd, dWeight, dBias);
}
export function accumulate32(target: usize, incoming: usize, count: i32): void {
  accumulateOf<f32>(target, incoming, count);
}
export function accumulate64(target: usize, incoming: usize, count: i32): void {
  accumulateOf<f64>(target, incoming, count);
}
export function add32(target: usize, a: usize, b: usize, count: i32): void {
  addOf<f32>(target, a, b, count);
}
export function add64(target: usize, a: usize, b: usize, count: i32): void {
  addOf<f64>(target, a, b, count);
}
export function multiplyAlong32(
  a: usize, aRow: i32, b: usize, bColumn: i32, bias: usize, c: usize, cRow: i32, rows: i32, columns: i32, inner: i32,
): void {
  multiplyAlongOf<f32>(a, aRow, b, bColumn, bias, c, cRow, rows, columns, inner);
}
export function multiplyAcross32(
  a: usize, aRow: i32, aColumn: i32, b: usize, bRow: i32, bias: usize, c: usize, cRow: i32,
  rows: i32, columns: i32, inner: i32,
): void {
  multiplyAcrossOf<f32>(a, aRow, aColumn, b, bRow, bias, c, cRow, rows, columns, inner);
}
export function multiplyAlong64(
  a: usize, aRow: i32, b: usize, bColumn: i32, bias: usize, c: usize, cRow: i32, rows: i32, columns: i32, inner: i32,
): void {
  multiplyAlongOf<f64>(a, aRow, b, bColumn, bias, c, cRow, rows, columns, inner);
}
export function multiplyAcross64(
  a: usize, aRow: i32, aColumn: i32, b: usize, bRow: i32, bias: usize, c: usize, cRow: i32,
  rows: i32, columns: i32, inner: i32,
): void {
  multiplyAcrossOf<f64>(a, aRow, aColumn, b, bRow, bias, c, cRow, rows, columns, inner);
}
