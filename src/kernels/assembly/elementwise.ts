// Kernels that write every element: y and dx.

import {
  Along, at64, bytes, channelIndex, Description, factor, factorPair, Flat, innerChannelStride, innerSetStride,
  innerTokenStride, locate, open, pair, rowCount, rowLength, setIndex, single, skips, storePair, storeSingle, tokenIndex,
} from "./rows";

// @ts-ignore: decorator
@inline
function normalizeRow<T, S, C>(x: usize, mean: usize, invStd: usize, weight: usize, bias: usize, n: i32, y: usize): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const xHat = f64x2.mul(f64x2.sub(pair<T>(x, i), factorPair<S>(mean, i)), factorPair<S>(invStd, i));
    storePair<T>(y, i, f64x2.add(f64x2.mul(xHat, factorPair<C>(weight, i)), factorPair<C>(bias, i)));
  }
  if (i < n) {
    const xHat = (single<T>(x, i) - factor<S>(mean, i)) * factor<S>(invStd, i);
    storeSingle<T>(y, i, xHat * factor<C>(weight, i) + factor<C>(bias, i));
  }
}

// @ts-ignore: decorator
@inline
function gradientRow<T, S, C>(
  x: usize, dy: usize, mean: usize, weight: usize, meanG: usize, slope: usize, scale: usize, n: i32, dx: usize,
): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const g = f64x2.mul(pair<T>(dy, i), factorPair<C>(weight, i));
    const along = f64x2.mul(f64x2.sub(pair<T>(x, i), factorPair<S>(mean, i)), factorPair<S>(slope, i));
    const rest = f64x2.sub(f64x2.sub(g, factorPair<S>(meanG, i)), along);
    storePair<T>(dx, i, f64x2.mul(rest, factorPair<S>(scale, i)));
  }
  if (i < n) {
    const g = single<T>(dy, i) * factor<C>(weight, i);
    const along = (single<T>(x, i) - factor<S>(mean, i)) * factor<S>(slope, i);
    storeSingle<T>(dx, i, (g - factor<S>(meanG, i) - along) * factor<S>(scale, i));
  }
}

/** Zero the elements of a row of T whose mask, which moves with the element, is 0; all of them if it does not. */
export function clearInvalid<T>(target: usize, mask: usize, masked: bool, n: i32): void {
  for (let i = 0; i < n; i++) {
    if (!masked || load<u8>(mask + <usize>i) == 0) storeSingle<T>(target, i, 0);
  }
}

export function normalizeOf<T>(
  x: usize, mask: usize, d: Description, mean: usize, invStd: usize, weight: usize, bias: usize, y: usize,
): void {
  open(d);
  const s = innerSetStride(d) != 0;
  const c = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  for (let r = 0; r < rowCount; r++) {
    locate(d, r);
    const start = bytes<T>(r * rowLength);
    const skipped = skips(mask, masked);
    if (!skipped) {
      const m = at64(mean, setIndex);
      const iv = at64(invStd, setIndex);
      const w = at64(weight, channelIndex);
      const b = at64(bias, channelIndex);
      if (s) {
        if (c) normalizeRow<T, Along, Along>(x + start, m, iv, w, b, rowLength, y + start);
        else normalizeRow<T, Along, Flat>(x + start, m, iv, w, b, rowLength, y + start);
      } else {
        if (c) normalizeRow<T, Flat, Along>(x + start, m, iv, w, b, rowLength, y + start);
        else normalizeRow<T, Flat, Flat>(x + start, m, iv, w, b, rowLength, y + start);
      }
    }
    if (skipped || masked) clearInvalid<T>(y + start, mask + <usize>tokenIndex, masked, rowLength);
  }
}

export function gradientOf<T>(
  x: usize, dy: usize, mask: usize, d: Description,
  mean: usize, weight: usize, meanG: usize, slope: usize, scale: usize, dx: usize,
): void {
  open(d);
  const s = innerSetStride(d) != 0;
  const c = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  for (let r = 0; r < rowCount; r++) {
    locate(d, r);
    const start = bytes<T>(r * rowLength);
    const skipped = skips(mask, masked);
    if (!skipped) {
      const m = at64(mean, setIndex);
      const g = at64(meanG, setIndex);
      const l = at64(slope, setIndex);
      const k = at64(scale, setIndex);
      const w = at64(weight, channelIndex);
      if (s) {
        if (c) gradientRow<T, Along, Along>(x + start, dy + start, m, w, g, l, k, rowLength, dx + start);
        else gradientRow<T, Along, Flat>(x + start, dy + start, m, w, g, l, k, rowLength, dx + start);
      } else {
        if (c) gradientRow<T, Flat, Along>(x + start, dy + start, m, w, g, l, k, rowLength, dx + start);
        else gradientRow<T, Flat, Flat>(x + start, dy + start, m, w, g, l, k, rowLength, dx + start);
      }
    }
    if (skipped || masked) clearInvalid<T>(dx + start, mask + <usize>tokenIndex, masked, rowLength);
  }
}
