import { assert } from "../assert.ts";
import { NpyError } from "./npy-error.ts";
import { type NpyHeader, parseNpyHeader, quoted } from "./npy-header.ts";

export { NpyError } from "./npy-error.ts";

/** Types of number that are read from .npy files. */
export type NpyDtype = "float16" | "float32" | "float64" | "bool" | "uint8" | "int32" | "int64";

/** Those, and the type that NumPy has not. */
export type ArrayDtype = NpyDtype | "bfloat16";

/** An array from a .npy file, in C order (the last axis runs fastest) whatever order it was saved in. */
export interface NpyArray {
  /** As in the file. */
  readonly dtype: ArrayDtype;
  /** 1 to 5 extents; one may be 0. */
  readonly shape: readonly number[];
  /** float16 and bfloat16 are widened to float32, int32 and int64 to float64: every value is exact. */
  readonly data: Float32Array | Float64Array | Uint8Array;
}

const axesMaximum = 5;

const dtypes: ReadonlyMap<string, { readonly dtype: NpyDtype; readonly elementBytes: number }> = new Map([
  ["<f2", { dtype: "float16", elementBytes: 2 }],
  ["<f4", { dtype: "float32", elementBytes: 4 }],
  ["<f8", { dtype: "float64", elementBytes: 8 }],
  ["|b1", { dtype: "bool", elementBytes: 1 }],
  ["|u1", { dtype: "uint8", elementBytes: 1 }],
  ["<i4", { dtype: "int32", elementBytes: 4 }],
  ["<i8", { dtype: "int64", elementBytes: 8 }],
]);

/**
 * Read a .npy file of format version 1.0, 2.0 or 3.0.
 *
 * Allocates only once the header's shape has proved to fit the bytes there are.
 *
 * @throws NpyError on anything else, pickled objects and bytes behind the array included.
 * @see numpy.lib.format
 */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const { header, dataStart } = readHeader(bytes);
  const { descr, isFortranOrder, shape } = header;
  const known = dtypes.get(descr);
  if (known === undefined) throw new NpyError(dtypeMessage(descr));
  const { dtype, elementBytes } = known;
  const shown = `shape (${shape.join(", ")})`;
  if (shape.length < 1 || shape.length > axesMaximum)
    throw new NpyError(`got ${shape.length} axes, ${shown}: expected 1 to ${axesMaximum}`);
  const extentBytes = shape.reduce((product, extent) => product * Math.max(extent, 1), elementBytes);
  if (extentBytes > Number.MAX_SAFE_INTEGER)
    throw new NpyError(`got ${shown}: expected extents that an array can have`);
  const wanted = shape.includes(0) ? 0 : extentBytes;
  const available = bytes.length - dataStart;
  if (available !== wanted) {
    const what = available < wanted ? "the file is truncated" : "something follows the array";
    throw new NpyError(`${what}: expected ${wanted} bytes for ${shown} of ${dtype}, got ${available}`);
  }
  // Not slice(): that of a Node Buffer shares its memory.
  const elements = new Uint8Array(bytes.subarray(dataStart));
  return {
    dtype,
    shape,
    data: numbersOf(isFortranOrder ? toRowMajor(elements, shape, elementBytes) : elements, dtype),
  };
}

/**
 * Write an array as `numpy.save` does, byte for byte: version 1.0, C order.
 *
 * @param shape 1 to 5 extents.
 * @throws AssertionError if data does not have the shape.
 */
export function encodeNpy(data: Float32Array | Float64Array, shape: readonly number[]): Uint8Array {
  const elements = shape.reduce((product, extent) => product * extent, 1);
  assert(data.length === elements, `${data.length} elements for shape [${shape}]`);
  assert(shape.length >= 1 && shape.length <= axesMaximum, `an array of ${shape.length} axes`);
  const descr = data instanceof Float32Array ? "<f4" : "<f8";
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy pads to a multiple of 64. Up to 5 axes that is 128 in every version, whatever room it leaves inside.
  const dictBytes = 128 - magic.length - 5;
  assert(dict.length <= dictBytes, `no room in a .npy header for shape [${shape}]`);
  const header = `${dict.padEnd(dictBytes)}\n`;
  const bytes = new Uint8Array(128 + data.byteLength);
  bytes.set([...magic, 1, 0, header.length, 0]);
  for (let i = 0; i < header.length; i++) bytes[magic.length + 4 + i] = header.charCodeAt(i);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 128);
  return bytes;
}

/** "\x93NUMPY" */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** The most that NumPy itself reads without being told to trust the file. */
const headerBytesMaximum = 10_000;

function readHeader(bytes: Uint8Array): { header: NpyHeader; dataStart: number } {
  if (!magic.every((byte, index) => bytes[index] === byte))
    throw new NpyError(
      "expected a .npy file, got something that does not start like one; save it with numpy.save",
    );
  const [major, minor] = [bytes[6], bytes[7]];
  if (major === undefined || minor === undefined) throw truncatedHeader(bytes.length);
  if (major < 1 || major > 3 || minor !== 0)
    throw new NpyError(`got .npy format version ${major}.${minor}: expected 1.0, 2.0 or 3.0`);
  const lengthBytes = major === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  if (bytes.length < start) throw truncatedHeader(bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = start + headerBytes;
  if (headerBytes > headerBytesMaximum)
    throw new NpyError(`got a header of ${headerBytes} bytes: expected at most ${headerBytesMaximum}`);
  if (bytes.length < dataStart) throw truncatedHeader(bytes.length);
  // Outside ASCII there is nothing that a header of plain numbers may hold.
  const text = String.fromCharCode(...bytes.subarray(start, dataStart));
  return { header: parseNpyHeader(text), dataStart };
}

function truncatedHeader(got: number): NpyError {
  return new NpyError(`the file is truncated: expected a whole header, got a file of ${got} bytes`);
}

function dtypeMessage(descr: string): string {
  const got = `got dtype ${quoted(descr)}`;
  if (descr.includes("O"))
    return `${got}, pickled Python objects, which are never loaded: expected plain numbers`;
  const swap = descr.startsWith(">") ? "little-endian " : "";
  return `${got}: expected ${swap}float32 or float64, as by numpy.save(path, array.astype("<f4"))`;
}

/** Elements saved with the first axis fastest, rearranged with the last axis fastest. */
function toRowMajor(source: Uint8Array, shape: readonly number[], elementBytes: number): Uint8Array {
  const target = new Uint8Array(source.length);
  let stride = elementBytes;
  const strides = shape.map((extent) => {
    const own = stride;
    stride *= extent;
    return own;
  });
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to += elementBytes) {
    for (let byte = 0; byte < elementBytes; byte++) target[to + byte] = source[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}

/**
 * Elements as numbers. Little-endian, as the typed arrays of every host that runs WebAssembly are.
 *
 * @param elements fill a buffer of their own, which is taken over.
 * @throws NpyError if an int64 is no exact float64.
 */
export function numbersOf(elements: Uint8Array, dtype: ArrayDtype): NpyArray["data"] {
  const buffer = elements.buffer;
  switch (dtype) {
    case "float16":
      return widenFloat16(new Uint16Array(buffer));
    case "bfloat16":
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return Float64Array.from(new Int32Array(buffer));
    case "int64":
      return widenInt64(new BigInt64Array(buffer));
    case "bool":
    case "uint8":
      return elements;
  }
}

/** Sign, 5 bits of exponent and 10 of mantissa to 8 and 23; subnormals are multiples of 2^-24. */
function widenFloat16(halves: Uint16Array): Float32Array {
  const widened = new Float32Array(halves.length);
  const bits = new Uint32Array(widened.buffer);
  for (const [i, half] of halves.entries()) {
    const sign = half & 0x8000 ? 1 : 0;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0) widened[i] = (sign ? -1 : 1) * mantissa * 2 ** -24;
    else bits[i] = ((sign << 31) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  }
  return widened;
}

function widenInt64(integers: BigInt64Array): Float64Array {
  return Float64Array.from(integers, (integer) => {
    if (!Number.isSafeInteger(Number(integer)))
      throw new NpyError(`got the int64 value ${integer}: expected at most 2^53 - 1 in magnitude`);
    return Number(integer);
  });
}
