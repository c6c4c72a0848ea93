import type { FloatArray } from "../kernels/kernels.ts";
import type { Storage } from "../scenario/scenario.ts";
import type { ArraySource } from "./layer-context.ts";

const alignment = 16;

/** An array source that knows how much it has handed out. */
export interface MeasuredSource extends ArraySource {
  readonly bytesTaken: number;
}

/**
 * Arrays of a buffer, from a byte offset on. Sources that are asked for the same arrays in the same order
 * give the same memory, so that a rank and its coordinator see one network.
 *
 * @param buffer null: nothing is shared, to find out how many bytes are needed.
 */
export function arraysIn(buffer: SharedArrayBuffer | null, start: number, storage: Storage): MeasuredSource {
  let taken = 0;
  const take = <T>(
    Type: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
    bytesPerElement: number,
    length: number,
  ): T => {
    const bytes = length * bytesPerElement;
    const at = start + taken;
    taken += Math.ceil(bytes / alignment) * alignment;
    return buffer === null ? new Type(new ArrayBuffer(bytes), 0, length) : new Type(buffer, at, length);
  };
  return {
    floats: (length): FloatArray =>
      storage === "float32" ? take(Float32Array, 4, length) : take(Float64Array, 8, length),
    doubles: (length) => take(Float64Array, 8, length),
    bytes: (length) => take(Uint8Array, 1, length),
    integers: (length) => take(Int32Array, 4, length),
    get bytesTaken() {
      return taken;
    },
  };
}
