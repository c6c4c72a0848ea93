import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  bytesPerValue,
  conform,
  machineEpsilon,
  numberFormats,
  roundToHalf,
} from "../src/scenario/number-format.ts";

const halves = {
  float16: { fractionBits: 10, exponentBits: 5 },
  bfloat16: { fractionBits: 7, exponentBits: 8 },
} as const;
type Half = keyof typeof halves;

/** What 16 bits mean, by the definition of a binary floating-point format (IEEE 754-2019, 3.4). */
function decode(bits: number, format: Half): number {
  const { fractionBits, exponentBits } = halves[format];
  const fraction = bits % 2 ** fractionBits;
  const exponent = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits;
  const sign = bits >= 2 ** 15 ? -1 : 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

const golden: Record<Half, [value: number, bits: number][]> = JSON.parse(
  readFileSync(new URL("golden/number-formats.json", import.meta.url), "utf8"),
);

for (const format of ["float16", "bfloat16"] as const) {
  const { fractionBits } = halves[format];
  const infinityBits = 2 ** 15 - 2 ** fractionBits;

  describe(format, () => {
    // Oracle: the definition of the format.
    test("keeps each of its 65,536 values, the sign of zero and NaN", () => {
      for (let bits = 0; bits < 2 ** 16; bits++) {
        const value = decode(bits, format);
        if (!Object.is(roundToHalf(value, format), value)) expect.fail(`${bits}: ${value}`);
      }
    });

    // Oracle: the definition of rounding to nearest, ties to even, between each two neighbours. The number
    // after the largest is where the next binade would begin; what rounds there overflows.
    test("rounds to the nearer neighbour and ties to even, to infinity beyond the largest", () => {
      for (let bits = 0; bits < infinityBits; bits++) {
        const low = decode(bits, format);
        const isLargest = bits === infinityBits - 1;
        const high = isLargest ? 2 * low - decode(bits - 1, format) : decode(bits + 1, format);
        const above = isLargest ? Infinity : high;
        const tie = low + (high - low) / 2;
        const step = (high - low) * 2 ** -20;
        const rows = [
          [tie - step, low],
          [tie, bits % 2 === 0 ? low : above],
          [tie + step, above],
        ] as const;
        for (const [value, want] of rows) {
          if (!Object.is(roundToHalf(value, format), want)) expect.fail(`${value} to ${want}`);
          if (!Object.is(roundToHalf(-value, format), -want)) expect.fail(`${-value} to ${-want}`);
        }
      }
    });

    // Oracle: NumPy (float16) and PyTorch (bfloat16), test/golden/number-formats.py.
    test("rounds random numbers as NumPy and PyTorch do", () => {
      for (const [value, bits] of golden[format])
        expect(roundToHalf(value, format), String(value)).toBe(decode(bits, format));
    });
  });
}

// Oracle: NumPy's and PyTorch's finfo(dtype).eps, and the formats' definitions.
test.each([
  ["float64", 8, 2 ** -52],
  ["float32", 4, 2 ** -23],
  ["float16", 2, 0.0009765625],
  ["bfloat16", 2, 0.0078125],
] as const)("%s takes %d bytes and has machine epsilon %d", (format, bytes, epsilon) => {
  expect(bytesPerValue(format)).toBe(bytes);
  expect(machineEpsilon(format)).toBe(epsilon);
});

describe("values brought to a format", () => {
  // Oracle: by hand. 2049 lies between 2048 and 2050 in float16; 300 needs 9 bits, bfloat16 has 8.
  test("are rounded for a half format", () => {
    const values = Float32Array.of(2049, 70000, -0.1);
    conform(values, "float16");
    expect([...values]).toEqual([2048, Infinity, -0.0999755859375]);
    const others = Float32Array.of(301, 302.9);
    conform(others, "bfloat16");
    expect([...others]).toEqual([300, 302]);
  });

  test("are left alone for the type of their array", () => {
    for (const format of numberFormats.slice(0, 2)) {
      const values = format === "float64" ? Float64Array.of(0.1) : Float32Array.of(0.1);
      conform(values, format);
      expect(values[0]).toBe(format === "float64" ? 0.1 : Math.fround(0.1));
    }
  });

  test.each([
    ["int32", 2 ** 31 - 1, 2 ** 31],
    ["int64", 2 ** 53 - 1, 2 ** 53],
    ["int32", -7, 0.5],
    ["int64", 0, Number.NaN],
  ] as const)(
    "are refused for %s where they are no such integer: %d is one, %d is not",
    (format, one, none) => {
      expect(() => conform(Float64Array.of(one), format)).not.toThrow();
      expect(() => conform(Float64Array.of(one, none), format)).toThrow(`${none} is no ${format}`);
    },
  );
});
