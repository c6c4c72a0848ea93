import { FormatError } from "./format-error.ts";
import { isMap, parseJsonMap } from "./json-bytes.ts";
import { quoted } from "./npy-header.ts";

/** What the header of a safetensors file says of one tensor. */
export interface TensorEntry {
  /** As written, such as `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly start: number;
  readonly end: number;
}

/** Bytes of an element, by the names that the format has for types. */
const elementBytes: ReadonlyMap<string, number> = new Map([
  ...["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"].map((name) => [name, 1] as const),
  ...["U16", "I16", "F16", "BF16"].map((name) => [name, 2] as const),
  ...["U32", "I32", "F32"].map((name) => [name, 4] as const),
  ...["U64", "I64", "F64"].map((name) => [name, 8] as const),
]);

/** The format allows 100 MB; tens of thousands of tensors fit this, and it is read within a second. */
const headerBytesMaximum = 2 ** 23;
/** A map of maps of lists: brackets beyond would only cost memory. */
const depthMaximum = 3;

/** Bytes in front of the header: its length. */
export const safetensorsPrefixBytes = 8;

/**
 * How many bytes the prefix and the header take.
 *
 * @param prefix at least the first 8 bytes of a file, if it has as many.
 * @throws FormatError if no header of that length is read, or fits the file.
 */
export function safetensorsHeaderEnd(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < safetensorsPrefixBytes)
    throw new FormatError(`the file is truncated: expected a safetensors file, got ${prefix.length} bytes`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  const most = Math.min(headerBytesMaximum, fileBytes - safetensorsPrefixBytes);
  if (headerBytes < 2 || headerBytes > most)
    throw new FormatError(
      `got a header of ${headerBytes} bytes: expected a safetensors file, whose header has 2 to ${most} here`,
    );
  return safetensorsPrefixBytes + headerBytes;
}

/**
 * The tensors of a safetensors file, in the order of its header.
 *
 * @param head the file up to the end of its header, or more.
 * @throws FormatError on anything but tensors that fill the rest of the file without a gap or an overlap.
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseSafetensorsHeader(head: Uint8Array, fileBytes: number): Map<string, TensorEntry> {
  const dataStart = safetensorsHeaderEnd(head, fileBytes);
  const text = { what: "the header", expected: "a safetensors file" };
  const header = parseJsonMap(head.subarray(safetensorsPrefixBytes, dataStart), depthMaximum, text);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header))
    if (name !== "__metadata__") tensors.set(name, entryOf(name, value, dataStart));
  let filled = dataStart;
  for (const [name, { start, end }] of [...tensors].sort(
    ([, a], [, b]) => a.start - b.start || a.end - b.end,
  )) {
    if (start !== filled)
      throw new FormatError(
        `tensor ${quoted(name)} starts at byte ${start - dataStart} of the data: expected ${filled - dataStart}, where the one before ends`,
      );
    filled = end;
  }
  if (filled !== fileBytes)
    throw new FormatError(
      `tensors end at byte ${filled - dataStart} of the data: expected ${fileBytes - dataStart}, where the file ends`,
    );
  return tensors;
}

function entryOf(name: string, value: unknown, dataStart: number): TensorEntry {
  const refuse = (what: string): FormatError => new FormatError(`tensor ${quoted(name)}: ${what}`);
  const { dtype, shape, data_offsets: offsets, ...rest } = isMap(value) ? value : {};
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw refuse(`the key ${quoted(unknown)} is unknown`);
  const bytes = typeof dtype === "string" ? elementBytes.get(dtype) : undefined;
  if (typeof dtype !== "string" || bytes === undefined)
    throw refuse(`expected a dtype such as F32, got ${quoted(String(JSON.stringify(dtype)))}`);
  if (!isNaturals(shape) || shape.length > 64) throw refuse("expected a shape of at most 64 whole numbers");
  if (!isNaturals(offsets) || offsets.length !== 2) throw refuse("expected two data_offsets, whole numbers");
  const [start, end] = offsets as [number, number];
  const wanted = shape.reduce((product, extent) => product * extent, bytes);
  if (!Number.isSafeInteger(wanted) || end - start !== wanted)
    throw refuse(`expected ${wanted} bytes for shape [${shape.slice(0, 8)}] of ${dtype}, got ${end - start}`);
  return { dtype, shape, start: dataStart + start, end: dataStart + end };
}

function isNaturals(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((it) => Number.isSafeInteger(it) && it >= 0);
}
