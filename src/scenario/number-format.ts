import { assert } from "../assert.ts";

/** A binary floating-point format: IEEE 754's, or the upper half of a float32 (bfloat16). */
export type NumberFormat = "float64" | "float32" | "float16" | "bfloat16";

/** What a payload's values travel as; integers carry counts. */
export type WireFormat = NumberFormat | "int32" | "int64";

/** Names of the formats, widest first. */
export const numberFormats = ["float64", "float32", "float16", "bfloat16"] as const;

interface FloatingPoint {
  readonly bytes: 8 | 4 | 2;
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Exponent of the smallest normal number. */
  readonly exponentMinimum: number;
  readonly largest: number;
}

const floatingPoint: Readonly<Record<NumberFormat, FloatingPoint>> = {
  float64: { bytes: 8, precision: 53, exponentMinimum: -1022, largest: Number.MAX_VALUE },
  float32: { bytes: 4, precision: 24, exponentMinimum: -126, largest: (2 - 2 ** -23) * 2 ** 127 },
  float16: { bytes: 2, precision: 11, exponentMinimum: -14, largest: 65504 },
  bfloat16: { bytes: 2, precision: 8, exponentMinimum: -126, largest: (2 - 2 ** -7) * 2 ** 127 },
};

/** The largest integer of each format that a float64 holds exactly. */
const integerMaximum = { int32: 2 ** 31 - 1, int64: Number.MAX_SAFE_INTEGER } as const;

/** Bytes of one value. */
export function bytesPerValue(format: WireFormat): 8 | 4 | 2 {
  if (isInteger(format)) return format === "int32" ? 4 : 8;
  return floatingPoint[format].bytes;
}

/** The distance from 1 to the next larger number, NumPy's and PyTorch's `finfo(dtype).eps`. */
export function machineEpsilon(format: NumberFormat): number {
  return 2 ** (1 - floatingPoint[format].precision);
}

/** What payloads of values in a format travel as by default, as in mixed precision: float32 for a half format. */
export function defaultPayload(storage: NumberFormat): NumberFormat {
  return isHalf(storage) ? "float32" : storage;
}

/** The largest finite number of a format. */
export function largestOf(format: NumberFormat): number {
  return floatingPoint[format].largest;
}

/** Whether arrays of this format are Float64Arrays; the others are Float32Arrays, which hold every value of a half format. */
export function isWide(format: WireFormat): boolean {
  return format === "float64" || isInteger(format);
}

/** Whether its values lie in Float32Arrays that could hold more. */
export function isHalf(format: WireFormat): format is "float16" | "bfloat16" {
  return format === "float16" || format === "bfloat16";
}

/** Whether its values are counts. */
export function isInteger(format: WireFormat): format is "int32" | "int64" {
  return format === "int32" || format === "int64";
}

/** The number of a format next to `value`, a tie to the even one. */
export function roundTo(format: NumberFormat, value: number): number {
  if (format === "float64") return value;
  return format === "float32" ? Math.fround(value) : roundToHalf(value, format);
}

/** Largest relative error of rounding to a format, u: half its machine epsilon. */
export function unitRoundoff(format: NumberFormat): number {
  return machineEpsilon(format) / 2;
}

const bits = new DataView(new ArrayBuffer(8));

/**
 * The value of a half format next to `value`, a tie to the even one: subnormal numbers kept, ±Infinity
 * from half a step beyond the largest number on, NaN and the sign of zero kept.
 *
 * Adding and subtracting 2^52 steps rounds to a whole step: float64 keeps no bit below it.
 */
export function roundToHalf(value: number, format: "float16" | "bfloat16"): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const { precision, exponentMinimum, largest } = floatingPoint[format];
  bits.setFloat64(0, value);
  const exponent = ((bits.getUint16(0) >> 4) & 0x7ff) - 1023;
  const stepExponent = Math.max(exponent, exponentMinimum) - (precision - 1);
  bits.setUint32(0, (stepExponent + 52 + 1023) << 20);
  bits.setUint32(4, 0);
  const shift = bits.getFloat64(0);
  const magnitude = Math.abs(value) + shift - shift;
  const rounded = magnitude > largest ? Number.POSITIVE_INFINITY : magnitude;
  return value < 0 ? -rounded : rounded;
}

/**
 * Bring values that lie in arrays of a format (`isWide`) to the format: only half formats need a pass.
 * Returns how many of them were finite and are now infinite.
 *
 * @throws AssertionError if a value of an integer format is no such integer.
 */
export function conform(values: Float32Array | Float64Array, format: WireFormat): number {
  let overflows = 0;
  if (isHalf(format)) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      values[i] = roundToHalf(value, format);
      if (Number.isFinite(value) && !Number.isFinite(values[i])) overflows++;
    }
  } else if (isInteger(format)) {
    const maximum = integerMaximum[format];
    for (const value of values)
      assert(Number.isInteger(value) && Math.abs(value) <= maximum, `${value} is no ${format}`);
  }
  return overflows;
}
