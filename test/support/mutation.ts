/** A seeded generator of whole numbers below a bound; Lehmer's, modulus 2^31 − 1. */
export type Draw = (bound: number) => number;

export function drawsFrom(seed: number): Draw {
  let state = (seed % 2147483646) + 1;
  return (bound) => {
    state = (state * 48271) % 2147483647;
    return Math.floor((state / 2147483647) * bound);
  };
}

/** What parsers have choked on: nesting, aliases, prototypes, numbers at the ends, lengths of nearly everything. */
const spices: readonly (string | readonly number[])[] = [
  ...[
    "[".repeat(3000),
    "{a: ".repeat(3000),
    '{"a":'.repeat(3000),
    "- ".repeat(3000),
    "*a",
    "&a [*a, *a]",
    "<<: *a",
  ],
  ...[
    "__proto__",
    "constructor",
    '"__proto__": {',
    "toString",
    "1e999",
    "-1e999",
    "NaN",
    ".inf",
    "9".repeat(400),
  ],
  ...[
    "9007199254740993",
    "-1",
    "0x7fffffffffffffff",
    "null",
    "~",
    '""',
    "\u0000",
    "\u001b[2J",
    "\ud83d",
    "!!js/function x",
  ],
  ...["%", "\t", "\r", "'", '"', "`", "# ", ": ", ", ", "---\n", "?"],
  ...[
    Array(8).fill(255),
    Array(8).fill(0),
    [...Array(9).fill(255), 1],
    [255, 255, 255, 127],
    Array(8).fill(128),
  ],
];

/** A file with one to four things wrong with it. */
export function mutate(bytes: Uint8Array, draw: Draw): Uint8Array {
  let mutant = bytes;
  for (let rounds = 1 + draw(4); rounds > 0; rounds--) mutant = mutateOnce(mutant, draw);
  return mutant;
}

function mutateOnce(bytes: Uint8Array, draw: Draw): Uint8Array {
  // Headers are short and at the front: every second change is there.
  const at = draw(draw(2) === 0 ? Math.min(bytes.length, 300) + 1 : bytes.length + 1);
  const run = 1 + draw(draw(2) === 0 ? 8 : 400);
  const before = bytes.subarray(0, at);
  const after = (skipped: number): Uint8Array => bytes.subarray(Math.min(at + skipped, bytes.length));
  switch (draw(7)) {
    case 0:
      return joined(before, Uint8Array.of(draw(256)), after(1));
    case 1:
      return joined(before, Uint8Array.of((bytes[at] ?? 0) ^ (1 << draw(8))), after(1));
    case 2:
      return before;
    case 3:
      return joined(before, after(run));
    case 4:
      return joined(before, bytes.subarray(at, at + run), after(0));
    case 5:
      return joined(
        before,
        Uint8Array.from({ length: run }, () => draw(256)),
        after(draw(2) * run),
      );
    default: {
      const spice = spices[draw(spices.length)]!;
      const inserted = typeof spice === "string" ? new TextEncoder().encode(spice) : Uint8Array.from(spice);
      return joined(before, inserted, after(draw(2) * inserted.length));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
