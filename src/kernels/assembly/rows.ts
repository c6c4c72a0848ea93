// The four loops of an index set, and pairs of elements as float64.
// Type parameters carry constants: Flat (i8) is an inner stride of 0, Along (i16) of 1.

/** A description in memory: 4 extents, 4 set strides, 4 channel strides, 4 token strides, as i32. */
export type Description = usize;

export type Flat = i8;
export type Along = i16;

export let rowCount: i32 = 0;
export let rowLength: i32 = 0;
export let setIndex: i32 = 0;
export let channelIndex: i32 = 0;
export let tokenIndex: i32 = 0;

/** Turns of the third loop left before the second turns, this one included. */
export let turnsLeft: i32 = 0;

// @ts-ignore: decorator
@inline
function field(d: Description, group: i32, loop: i32): i32 {
  return load<i32>(d + (((group << 2) + loop) << 2));
}

// @ts-ignore: decorator
@inline
export function open(d: Description): void {
  rowCount = field(d, 0, 0) * field(d, 0, 1) * field(d, 0, 2);
  rowLength = field(d, 0, 3);
}

/** Set the indices of row r: its set, channel and token. */
export function locate(d: Description, r: i32): void {
  const e2 = field(d, 0, 2);
  const e1 = field(d, 0, 1);
  const k = r % e2;
  const ij = r / e2;
  const j = ij % e1;
  const i = ij / e1;
  turnsLeft = e2 - k;
  setIndex = i * field(d, 1, 0) + j * field(d, 1, 1) + k * field(d, 1, 2);
  channelIndex = i * field(d, 2, 0) + j * field(d, 2, 1) + k * field(d, 2, 2);
  tokenIndex = i * field(d, 3, 0) + j * field(d, 3, 1) + k * field(d, 3, 2);
}

/** From row r − by to row r, both of one turn of the second loop or the latter the next one's first. */
// @ts-ignore: decorator
@inline
export function advance(d: Description, r: i32, by: i32): void {
  if (turnsLeft > by) {
    turnsLeft -= by;
    setIndex += by * field(d, 1, 2);
    channelIndex += by * field(d, 2, 2);
    tokenIndex += by * field(d, 3, 2);
  } else locate(d, r);
}

/** How far the index of the set moves with a row. */
// @ts-ignore: decorator
@inline
export function rowSetStride(d: Description): i32 {
  return field(d, 1, 2);
}

/** How far the index of the token moves with a row. */
// @ts-ignore: decorator
@inline
export function rowTokenStride(d: Description): i32 {
  return field(d, 3, 2);
}

/** Rows from here on, at most `most`, that have the same sets. */
// @ts-ignore: decorator
@inline
export function rowsOfSameSets(d: Description, most: i32): i32 {
  return field(d, 1, 2) == 0 ? min(most, turnsLeft) : 1;
}

/** Rows from here on, at most `most`, that have the same channels. */
// @ts-ignore: decorator
@inline
export function rowsOfSameChannels(d: Description, most: i32): i32 {
  return field(d, 2, 2) == 0 ? min(most, turnsLeft) : 1;
}

// @ts-ignore: decorator
@inline
export function innerSetStride(d: Description): i32 {
  return field(d, 1, 3);
}

// @ts-ignore: decorator
@inline
export function innerChannelStride(d: Description): i32 {
  return field(d, 2, 3);
}

// @ts-ignore: decorator
@inline
export function innerTokenStride(d: Description): i32 {
  return field(d, 3, 3);
}

/** Elements i and i + 1 of an array of T, as float64. */
// @ts-ignore: decorator
@inline
export function pair<T>(p: usize, i: i32): v128 {
  return sizeof<T>() == 4
    ? f64x2.promote_low_f32x4(v128.load64_zero(p + ((<usize>i) << 2)))
    : v128.load(p + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
export function single<T>(p: usize, i: i32): f64 {
  return sizeof<T>() == 4 ? <f64>load<f32>(p + ((<usize>i) << 2)) : load<f64>(p + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
export function storePair<T>(p: usize, i: i32, value: v128): void {
  if (sizeof<T>() == 4) v128.store64_lane(p + ((<usize>i) << 2), f32x4.demote_f64x2_zero(value), 0);
  else v128.store(p + ((<usize>i) << 3), value);
}

// @ts-ignore: decorator
@inline
export function storeSingle<T>(p: usize, i: i32, value: f64): void {
  if (sizeof<T>() == 4) store<f32>(p + ((<usize>i) << 2), <f32>value);
  else store<f64>(p + ((<usize>i) << 3), value);
}

/** Elements i and i + 1 of a float64 array when S is Along, its first element twice when S is Flat. */
// @ts-ignore: decorator
@inline
export function factorPair<S>(p: usize, i: i32): v128 {
  return sizeof<S>() == 1 ? v128.load64_splat(p) : v128.load(p + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
export function factor<S>(p: usize, i: i32): f64 {
  return sizeof<S>() == 1 ? load<f64>(p) : load<f64>(p + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
export function at64(p: usize, i: i32): usize {
  return p + ((<usize>i) << 3);
}

/** Whether row r has nothing valid: its mask does not move with the element and is 0. */
// @ts-ignore: decorator
@inline
export function skips(mask: usize, masked: bool): bool {
  return mask != 0 && !masked && load<u8>(mask + <usize>tokenIndex) == 0;
}

// @ts-ignore: decorator
@inline
export function bytes<T>(elements: i32): usize {
  return <usize>elements * sizeof<T>();
}
