/** What a written quantity means in SI base units, or what is wrong with it in one sentence. */
export type Quantity = { readonly value: number } | { readonly fault: string };

const bytesPerUnit: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
]);

/** Units per second: dividing rounds once, so that 5us is the double nearest to 5e-6. */
const unitsPerSecond: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["ms", 1e3],
  ["us", 1e6],
  ["µs", 1e6], // U+00B5, micro sign
  ["μs", 1e6], // U+03BC, Greek mu
  ["ns", 1e9],
]);

const byteUnits = [...bytesPerUnit.keys()].join(", ");

/**
 * Whole bytes from `8KiB`, `1MB` or a bare number, which counts bytes.
 *
 * Decimal prefixes are powers of 1000 (GB = 10^9), binary ones of 1024 (GiB = 2^30): SI, IEC 80000-13.
 */
export function parseBytes(input: string | number): Quantity {
  const expected = `expected bytes such as 8KiB or 1MB (units ${byteUnits}), got ${shown(input)}`;
  const written = split(typeof input === "number" ? `${input}B` : input);
  const scale = bytesPerUnit.get(written?.unit === "" ? "B" : (written?.unit ?? ""));
  if (written === undefined || scale === undefined) return { fault: expected };
  const bytes = Math.round(written.count * scale);
  // 1.1GB is not a whole number of bytes in binary floating point; 0.3B is not one at all.
  const isWhole = Math.abs(written.count * scale - bytes) <= bytes * Number.EPSILON;
  if (!isWhole || !Number.isSafeInteger(bytes)) return { fault: `${expected}, which is not a whole number` };
  return { value: bytes };
}

/** Bytes per second, above 0, from `25GB/s`; the units are those of `parseBytes`. Bits are refused. */
export function parseBandwidth(input: string | number): Quantity {
  const expected = `expected a bandwidth such as 25GB/s (units ${byteUnits}, per second), got ${shown(input)}`;
  const written = split(String(input));
  if (written === undefined) return { fault: expected };
  const bits = /^([kMGT]?)(b|bit|bps)(\/s)?$/.exec(written.unit);
  if (bits) return { fault: `${expected}: that counts bits, write ${written.count / 8}${bits[1]}B/s` };
  const scale = written.unit.endsWith("/s") ? bytesPerUnit.get(written.unit.slice(0, -2)) : undefined;
  const value = written.count * (scale ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? { value } : { fault: expected };
}

/** Seconds, 0 or more, from `120ms`, `5us`, `5µs` or `2s`; a number without a unit is refused. */
export function parseDuration(input: string | number): Quantity {
  const written = split(String(input));
  const value = (written?.count ?? Number.NaN) / (unitsPerSecond.get(written?.unit ?? "") ?? Number.NaN);
  if (Number.isFinite(value)) return { value };
  return {
    fault: `expected a duration such as 120ms (units s, ms, us, µs, ns), got ${shown(input)}`,
  };
}

/** A decimal number, not negative, and the letters after it. */
function split(text: string): { readonly count: number; readonly unit: string } | undefined {
  const match = /^\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ/]*)\s*$/.exec(text);
  return match ? { count: Number(match[1]), unit: match[2]! } : undefined;
}

function shown(input: string | number): string {
  return typeof input === "number" ? String(input) : JSON.stringify(input);
}
