// Float32 values rounded to half formats, to nearest, ties to even, 4 at a time.

const MAGNITUDE: v128 = i32x4.splat(0x7fffffff);

/**
 * float16: adding and subtracting 2^(exponent + 13) leaves 11 bits, those from 2^-24 up where the number is
 * subnormal; from 65520 on it is infinite.
 */
// @ts-ignore: decorator
@inline
function float16(x: v128): v128 {
  const magnitude = v128.and(x, MAGNITUDE);
  const exponent = v128.and(x, i32x4.splat(0x7f800000));
  const clamped = i32x4.min_s(i32x4.max_s(exponent, i32x4.splat(113 << 23)), i32x4.splat(143 << 23));
  const shift = i32x4.add(clamped, i32x4.splat(13 << 23));
  const near = f32x4.sub(f32x4.add(magnitude, shift), shift);
  const isBeyond = f32x4.ge(magnitude, f32x4.splat(65520));
  return v128.bitselect(f32x4.splat(Infinity), near, isBeyond);
}

/** bfloat16: half a step is added to the bits, less one where the last bit kept is even; the rest is cut off. */
// @ts-ignore: decorator
@inline
function bfloat16(x: v128): v128 {
  const magnitude = v128.and(x, MAGNITUDE);
  const last = v128.and(i32x4.shr_u(magnitude, 16), i32x4.splat(1));
  const half = i32x4.add(last, i32x4.splat(0x7fff));
  return v128.and(i32x4.add(magnitude, half), i32x4.splat(0xffff0000));
}

/** The value rounded, its sign and NaN kept; K says to which format. */
// @ts-ignore: decorator
@inline
function rounded<K>(x: v128): v128 {
  const near = sizeof<K>() == 1 ? float16(x) : bfloat16(x);
  const signed = v128.or(near, v128.andnot(x, MAGNITUDE));
  return v128.bitselect(signed, x, f32x4.eq(x, x));
}

/** Lanes that were finite and are not any more, as a count. */
// @ts-ignore: decorator
@inline
function overflowCount(before: v128, after: v128): i32 {
  const wasFinite = f32x4.lt(v128.and(before, MAGNITUDE), f32x4.splat(Infinity));
  const isInfinite = f32x4.eq(v128.and(after, MAGNITUDE), f32x4.splat(Infinity));
  return popcnt(i32x4.bitmask(v128.and(wasFinite, isInfinite)));
}

// @ts-ignore: decorator
@inline
function roundAll<K>(values: usize, count: i32): i32 {
  let overflows = 0;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = values + ((<usize>i) << 2);
    const before = v128.load(at);
    const after = rounded<K>(before);
    overflows += overflowCount(before, after);
    v128.store(at, after);
  }
  for (; i < count; i++) {
    const at = values + ((<usize>i) << 2);
    const before = v128.load32_zero(at);
    const after = rounded<K>(before);
    overflows += overflowCount(before, after);
    v128.store32_lane(at, after, 0);
  }
  return overflows;
}

export function roundToFloat16(values: usize, count: i32): i32 {
  return roundAll<i8>(values, count);
}
export function roundToBfloat16(values: usize, count: i32): i32 {
  return roundAll<i16>(values, count);
}
