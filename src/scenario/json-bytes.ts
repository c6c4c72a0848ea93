import { FormatError } from "./format-error.ts";

/**
 * A map in JSON, in UTF-8, that is not trusted: its memory is bounded by its bytes.
 *
 * @param depthMaximum brackets inside brackets; more would only cost memory.
 * @param what the bytes are, for faults, as in `the header`; `expected` is what they should be.
 * @throws FormatError on anything else.
 */
export function parseJsonMap(
  bytes: Uint8Array,
  depthMaximum: number,
  { what, expected }: { readonly what: string; readonly expected: string },
): object {
  refuseDepth(bytes, depthMaximum, what);
  let value: unknown;
  try {
    value = JSON.parse(utf8(bytes));
  } catch (cause) {
    throw new FormatError(`${what} is not JSON: expected ${expected}`, { cause });
  }
  if (!isMap(value)) throw new FormatError(`${what} is not a map: expected ${expected}`);
  return value;
}

/** Whether a value of JSON is a map. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuseDepth(bytes: Uint8Array, depthMaximum: number, what: string): void {
  let [depth, isText] = [0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) isText = !isText;
    else if (isText) i += byte === 0x5c ? 1 : 0;
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    if (depth > depthMaximum) throw new FormatError(`${what} is nested deeper than ${depthMaximum} levels`);
  }
}

/** @throws URIError if the bytes are not UTF-8. */
function utf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 4096)
    parts.push(String.fromCharCode(...bytes.subarray(i, i + 4096)));
  const percent = (text: string): string => `%${text.charCodeAt(0).toString(16)}`;
  return parts
    .join("")
    .replace(/[\x80-\xff]{1,4096}/g, (run) => decodeURIComponent(run.replace(/[\x80-\xff]/g, percent)));
}
