// Kernels of float32 data whose rows lie in one set each. Rows of the same channels go together, so that their
// factors are brought to float32 once.

import { clearInvalid } from "./elementwise";
import { addGradients, differentiateFloats, normalizeFloats } from "./float-rows";
import { BLOCK, COLUMNS, firstSum, Gradient, narrow, secondSum, SHORT_BLOCK, sumTwo } from "./lanes";
import {
  advance, Along, at64, channelIndex, Description, Flat, innerChannelStride, innerTokenStride, locate, open, rowCount,
  rowLength, rowSetStride, rowsOfSameChannels, rowTokenStride, setIndex, tokenIndex,
} from "./rows";

/** Rows that go together. */
const ROWS: i32 = 64;
/** Where the second array in scratch begins: half a page off, or a load would look like the store before it. */
const SECOND: usize = 4 * <usize>COLUMNS + 2048;
const THIRD: usize = 2 * SECOND;

/** Bring n float64 to float32, or one where channels do not move. */
// @ts-ignore: decorator
@inline
function narrowFactors(from: usize, along: bool, n: i32, to: usize): void {
  if (along) narrow(from, n, to);
  else store<f32>(to, <f32>load<f64>(from));
}

/** Whether a row of a token that nothing in the row moves is padding. */
// @ts-ignore: decorator
@inline
function isPadding(mask: usize, masked: bool, token: i32): bool {
  return mask != 0 && !masked && load<u8>(mask + <usize>token) == 0;
}

export function normalizeInSets(
  x: usize, mask: usize, d: Description, mean: usize, invStd: usize, weight: usize, bias: usize, y: usize, scratch: usize,
): void {
  open(d);
  if (rowCount * rowLength == 0) return;
  locate(d, 0);
  const along = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  const step = along ? COLUMNS : rowLength;
  let r = 0;
  while (r < rowCount) {
    const rows = along ? rowsOfSameChannels(d, ROWS) : 1;
    for (let first = 0; first < rowLength; first += step) {
      const n = min(step, rowLength - first);
      narrowFactors(at64(weight, channelIndex + first), along, n, scratch);
      narrowFactors(at64(bias, channelIndex + first), along, n, scratch + SECOND);
      for (let k = 0; k < rows; k++) {
        const start = <usize>((r + k) * rowLength + first) << 2;
        const token = tokenIndex + k * rowTokenStride(d);
        const padding = isPadding(mask, masked, token);
        const set = setIndex + k * rowSetStride(d);
        const m = load<f64>(at64(mean, set));
        const iv = load<f64>(at64(invStd, set));
        if (padding) clearInvalid<f32>(y + start, 0, false, n);
        else if (along) normalizeFloats<Along>(x + start, n, m, iv, scratch, scratch + SECOND, y + start);
        else normalizeFloats<Flat>(x + start, n, m, iv, scratch, scratch + SECOND, y + start);
        if (masked) clearInvalid<f32>(y + start, mask + <usize>token, true, n);
      }
    }
    r += rows;
    advance(d, r, rows);
  }
}

export function differentiateInSets(
  x: usize, dy: usize, mask: usize, d: Description,
  mean: usize, weight: usize, meanG: usize, slope: usize, scale: usize, dx: usize, scratch: usize,
): void {
  open(d);
  if (rowCount * rowLength == 0) return;
  locate(d, 0);
  const along = innerChannelStride(d) != 0;
  const masked = mask != 0 && innerTokenStride(d) != 0;
  const step = along ? COLUMNS : rowLength;
  let r = 0;
  while (r < rowCount) {
    const rows = along ? rowsOfSameChannels(d, ROWS) : 1;
    for (let first = 0; first < rowLength; first += step) {
      const n = min(step, rowLength - first);
      narrowFactors(at64(weight, channelIndex + first), along, n, scratch);
      for (let k = 0; k < rows; k++) {
        const start = <usize>((r + k) * rowLength + first) << 2;
        const token = tokenIndex + k * rowTokenStride(d);
        const set = setIndex + k * rowSetStride(d);
        const m = load<f64>(at64(mean, set));
        const g = load<f64>(at64(meanG, set));
        const l = load<f64>(at64(slope, set));
        const s = load<f64>(at64(scale, set));
        if (isPadding(mask, masked, token)) clearInvalid<f32>(dx + start, 0, false, n);
        else if (along) differentiateFloats<Along>(x + start, dy + start, n, m, g, l, s, scratch, dx + start);
        else differentiateFloats<Flat>(x + start, dy + start, n, m, g, l, s, scratch, dx + start);
        if (masked) clearInvalid<f32>(dx + start, mask + <usize>token, true, n);
      }
    }
    r += rows;
    advance(d, r, rows);
  }
}

/** Adds a row's sums, block by block. */
// @ts-ignore: decorator
@inline
function addSums<C>(x: usize, dy: usize, n: i32, mean: f64, weights: usize, sumG: usize, sumGXmu: usize): void {
  const shift = <f32>mean;
  for (let first = 0; first < n; first += BLOCK) {
    const at = <usize>first << 2;
    const weight = sizeof<C>() == sizeof<Along>() ? weights + at : weights;
    sumTwo<Gradient, C>(x + at, dy + at, min(BLOCK, n - first), shift, weight);
    store<f64>(sumG, load<f64>(sumG) + firstSum);
    store<f64>(sumGXmu, load<f64>(sumGXmu) + (secondSum - (mean - <f64>shift) * firstSum));
  }
}

/** sumG and sumGXmu of every set, which must be 0; a mask does not move along a row. */
export function gradientSumsInSets(
  x: usize, dy: usize, mask: usize, d: Description, mean: usize, weight: usize, sumG: usize, sumGXmu: usize, scratch: usize,
): void {
  open(d);
  if (rowCount * rowLength == 0) return;
  locate(d, 0);
  const along = innerChannelStride(d) != 0;
  let r = 0;
  while (r < rowCount) {
    const rows = along ? rowsOfSameChannels(d, ROWS) : 1;
    for (let first = 0; first < rowLength; first += COLUMNS) {
      const n = min(COLUMNS, rowLength - first);
      narrowFactors(at64(weight, along ? channelIndex + first : channelIndex), along, n, scratch);
      for (let k = 0; k < rows; k++) {
        if (isPadding(mask, false, tokenIndex + k * rowTokenStride(d))) continue;
        const start = <usize>((r + k) * rowLength + first) << 2;
        const set = setIndex + k * rowSetStride(d);
        const m = load<f64>(at64(mean, set));
        if (along) addSums<Along>(x + start, dy + start, n, m, scratch, at64(sumG, set), at64(sumGXmu, set));
        else addSums<Flat>(x + start, dy + start, n, m, scratch, at64(sumG, set), at64(sumGXmu, set));
      }
    }
    r += rows;
    advance(d, r, rows);
  }
}

/** Add n float32 to float64. */
function widen(from: usize, n: i32, to: usize): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const added = f64x2.promote_low_f32x4(v128.load64_zero(from + (<usize>i << 2)));
    v128.store(at64(to, i), f64x2.add(v128.load(at64(to, i)), added));
  }
  if (i < n) store<f64>(at64(to, i), load<f64>(at64(to, i)) + <f64>load<f32>(from + (<usize>i << 2)));
}

/** All sums of rows that run along the channels, while a row is in the first cache; they must be 0. */
export function allGradientSumsInSets(
  x: usize, dy: usize, mask: usize, d: Description, mean: usize, invStd: usize, weight: usize,
  sumG: usize, sumGXmu: usize, dWeight: usize, dBias: usize, scratch: usize,
): void {
  open(d);
  if (rowCount * rowLength == 0) return;
  locate(d, 0);
  let r = 0;
  while (r < rowCount) {
    const rows = rowsOfSameChannels(d, ROWS);
    for (let first = 0; first < rowLength; first += COLUMNS) {
      const n = min(COLUMNS, rowLength - first);
      narrow(at64(weight, channelIndex + first), n, scratch);
      memory.fill(scratch + SECOND, 0, n << 2);
      memory.fill(scratch + THIRD, 0, n << 2);
      for (let k = 0; k < rows; k++) {
        if (isPadding(mask, false, tokenIndex + k * rowTokenStride(d))) continue;
        const start = <usize>((r + k) * rowLength + first) << 2;
        const set = setIndex + k * rowSetStride(d);
        const m = load<f64>(at64(mean, set));
        const iv = load<f64>(at64(invStd, set));
        for (let i = 0; i < n; i += SHORT_BLOCK) {
          const at = <usize>i << 2;
          const from = start + at;
          const to = scratch + at;
          addGradients(x + from, dy + from, min(SHORT_BLOCK, n - i), m, iv, to, to + SECOND, to + THIRD);
          store<f64>(at64(sumG, set), load<f64>(at64(sumG, set)) + firstSum);
          store<f64>(at64(sumGXmu, set), load<f64>(at64(sumGXmu, set)) + secondSum);
        }
      }
      widen(scratch + SECOND, n, at64(dWeight, channelIndex + first));
      widen(scratch + THIRD, n, at64(dBias, channelIndex + first));
    }
    r += rows;
    advance(d, r, rows);
  }
}
