import { expect, test } from "vitest";
import { parseBandwidth, parseBytes, parseDuration, type Quantity } from "../src/scenario/quantities.ts";

// Oracle: SI and IEC 80000-13 prefixes, by hand. Exact: every value is the double nearest to the decimal.
const readable: { parse: (input: string | number) => Quantity; input: string | number; value: number }[] = [
  { parse: parseBytes, input: "8KiB", value: 8192 },
  { parse: parseBytes, input: "1MB", value: 1_000_000 },
  { parse: parseBytes, input: "1.1GB", value: 1_100_000_000 },
  { parse: parseBytes, input: "1GiB", value: 1_073_741_824 },
  { parse: parseBytes, input: "0.5KiB", value: 512 },
  { parse: parseBytes, input: "4096", value: 4096 },
  { parse: parseBytes, input: 4096, value: 4096 },
  { parse: parseBytes, input: " 3 kB ", value: 3000 },
  { parse: parseBytes, input: 0, value: 0 },
  { parse: parseBandwidth, input: "25GB/s", value: 25e9 },
  { parse: parseBandwidth, input: "12.5GB/s", value: 12.5e9 },
  { parse: parseBandwidth, input: "1MiB/s", value: 1_048_576 },
  { parse: parseDuration, input: "120ms", value: 0.12 },
  { parse: parseDuration, input: "5us", value: 5e-6 },
  { parse: parseDuration, input: "5\u00b5s", value: 5e-6 },
  { parse: parseDuration, input: "5\u03bcs", value: 5e-6 },
  { parse: parseDuration, input: "700ns", value: 7e-7 },
  { parse: parseDuration, input: "2s", value: 2 },
  { parse: parseDuration, input: "1e-3s", value: 0.001 },
  { parse: parseDuration, input: "0s", value: 0 },
];

for (const { parse, input, value } of readable) {
  test(`${parse.name} reads ${JSON.stringify(input)} as ${value}`, () => {
    expect(parse(input)).toEqual({ value });
  });
}

// Oracle: by hand; each message names the units that would do and quotes what was got.
const refused: { parse: (input: string | number) => Quantity; input: string | number; message: RegExp }[] = [
  { parse: parseBytes, input: "8KB", message: /units B, kB, MB, .* GiB\), got "8KB"$/ },
  { parse: parseBytes, input: "8 kib", message: /got "8 kib"$/ },
  { parse: parseBytes, input: "-1B", message: /got "-1B"$/ },
  { parse: parseBytes, input: -1, message: /got -1$/ },
  { parse: parseBytes, input: "0.3B", message: /got "0.3B", which is not a whole number$/ },
  { parse: parseBytes, input: "9e30GB", message: /not a whole number$/ },
  { parse: parseBytes, input: Number.POSITIVE_INFINITY, message: /got Infinity$/ },
  { parse: parseBytes, input: "", message: /got ""$/ },
  { parse: parseBytes, input: "GB", message: /got "GB"$/ },
  { parse: parseBandwidth, input: "25GB", message: /such as 25GB\/s .*, got "25GB"$/ },
  { parse: parseBandwidth, input: 25e9, message: /got 25000000000$/ },
  { parse: parseBandwidth, input: "0GB/s", message: /got "0GB\/s"$/ },
  { parse: parseBandwidth, input: "100Gb/s", message: /counts bits, write 12.5GB\/s$/ },
  { parse: parseBandwidth, input: "1e400GB/s", message: /got "1e400GB\/s"$/ },
  { parse: parseDuration, input: "120", message: /units s, ms, us, µs, ns\), got "120"$/ },
  { parse: parseDuration, input: 30, message: /got 30$/ },
  { parse: parseDuration, input: "5 minutes", message: /got "5 minutes"$/ },
  { parse: parseDuration, input: "-5s", message: /got "-5s"$/ },
  { parse: parseDuration, input: "1e999s", message: /got "1e999s"$/ },
];

for (const { parse, input, message } of refused) {
  test(`${parse.name} refuses ${JSON.stringify(input)} and says what would do`, () => {
    expect(parse(input)).toEqual({ fault: expect.stringMatching(message) });
  });
}
