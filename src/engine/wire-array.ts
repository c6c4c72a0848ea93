import type { FloatArray } from "../kernels/kernels.ts";
import { isWide, type WireFormat } from "../scenario/number-format.ts";

/** `count` values of a format in an area of memory, from a byte of it on. */
export function wireArray(area: Uint8Array, format: WireFormat, at: number, count: number): FloatArray {
  const start = area.byteOffset + at;
  return isWide(format)
    ? new Float64Array(area.buffer, start, count)
    : new Float32Array(area.buffer, start, count);
}

/** Bytes that `wireArray` takes, up to a multiple of 8, so that arrays of any formats fit one after the other. */
export function wireArrayBytes(format: WireFormat, count: number): number {
  return isWide(format) ? 8 * count : 8 * Math.ceil(count / 2);
}
