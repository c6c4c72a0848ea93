import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeNpy, encodeNpy, NpyError } from "../src/scenario/npy.ts";
import { createRandomStream, type RandomStream } from "../src/scenario/random.ts";

const folder = new URL("golden/npy/", import.meta.url);

interface Kept {
  readonly dtype: string;
  readonly shape: number[];
  /** Elements in C order. */
  readonly bytes: string;
}

// Oracle: NumPy 1.24.2, by test/golden/generate-npy.py.
const kept = Object.entries(JSON.parse(readFileSync(new URL("read.json", folder), "utf8"))) as [
  string,
  Kept,
][];

function bytesOf(name: string): Uint8Array {
  return readFileSync(new URL(`${name}.npy`, folder));
}

function hex(data: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
}

describe("files that NumPy wrote", () => {
  test.each(kept)("%s is read with its dtype, its shape and every bit", (name, want) => {
    const { dtype, shape, data } = decodeNpy(bytesOf(name));
    expect({ dtype, shape, bytes: hex(data) }).toEqual(want);
  });

  const ours = kept.filter(([name]) => /^float(32|64)-/.test(name));
  test.each(ours)("%s is written byte for byte as NumPy wrote it", (name, { shape }) => {
    const file = bytesOf(name);
    expect(hex(encodeNpy(decodeNpy(file).data as Float32Array | Float64Array, shape))).toBe(hex(file));
  });

  test("at least one file of each kind was compared", () => {
    expect(ours.length).toBeGreaterThanOrEqual(14);
    expect(new Set(kept.map(([, { dtype }]) => dtype)).size).toBe(7);
  });

  test("arrays do not share memory with the bytes they came from", () => {
    const file = new Uint8Array(bytesOf("float64-2-axes"));
    const { data } = decodeNpy(file);
    file.fill(0);
    expect(data[0]).toBe(-1.5);
  });

  test("a file may start at an odd address", () => {
    const file = bytesOf("float64-2-axes");
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    expect(decodeNpy(shifted.subarray(1)).data[0]).toBe(-1.5);
  });

  const refusals: Record<string, RegExp> = {
    "refused-big-endian": /dtype ">f4": expected little-endian/,
    "refused-objects": /"\|O", pickled Python objects, which are never loaded/,
    "refused-structured": /structured dtype/,
    "refused-complex": /dtype "<c8": expected float32/,
    "refused-text": /dtype "<U2": expected/,
    "refused-0-axes": /got 0 axes, shape \(\): expected 1 to 5/,
    "refused-6-axes": /got 6 axes, shape \(1, 1, 1, 1, 1, 2\): expected 1 to 5/,
    "refused-int64-inexact": /int64 value 9007199254740992: expected at most 2\^53 - 1/,
    "refused-long-header": /a header of \d+ bytes: expected at most 10000/,
  };
  const refused = readdirSync(folder).filter((name) => name.startsWith("refused-"));
  test.each(refused)("%s is refused, and the message says why", (file) => {
    const name = file.replace(".npy", "");
    expectRefusal(bytesOf(name), refusals[name]!);
  });
});

function expectRefusal(bytes: Uint8Array, message: RegExp): void {
  expect(message).toBeInstanceOf(RegExp);
  expect(() => decodeNpy(bytes)).toThrow(NpyError);
  expect(() => decodeNpy(bytes)).toThrow(message);
}

function fileOf(header: string, dataBytes: number, version = [1, 0]): Uint8Array {
  const lengthBytes = version[0] === 1 ? 2 : 4;
  const length = Array.from({ length: lengthBytes }, (_, i) => Math.floor(header.length / 256 ** i) % 256);
  const prefix = [0x93, ..."NUMPY"].map((c) => (typeof c === "string" ? c.charCodeAt(0) : c));
  const text = [...header].map((c) => c.charCodeAt(0));
  return Uint8Array.from([...prefix, ...version, ...length, ...text, ...new Uint8Array(dataBytes)]);
}

// Oracle: the format's description in numpy.lib.format, and Python's grammar for a dict literal.
describe("headers by hand", () => {
  test.each([
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }   \n", 12, [3]],
    ["{'descr':'<f4','fortran_order':False,'shape':(3,)}", 12, [3]],
    [`{"shape": (1, 3,), "fortran_order": True, "descr": "<f4"}\n`, 12, [1, 3]],
    ["{ 'descr' : '<f4' ,\n 'fortran_order' : False , 'shape' : ( 0 , 99999 ) , }", 0, [0, 99999]],
  ])("%j is read", (header, dataBytes, shape) => {
    expect(decodeNpy(fileOf(header, dataBytes)).shape).toEqual(shape);
  });

  const dict = (shape: string, descr = "'<f4'", order = "False") =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  test.each([
    ["", /a { is missing/],
    ["{}", /a key is missing/],
    ["{'descr': '<f4', 'shape': (3,), }", /a key is missing/],
    [dict("(3,)").replace("}", "'x': 1}"), /the key "x" is unknown/],
    [dict("(3,)").replace("}", "'__proto__': 1}"), /the key "__proto__" is unknown/],
    [dict("(3,)").replace("}", "'descr': '<f4'}"), /the key "descr" appears twice/],
    [dict("(3,)").replace("}", "} + {}"), /a character has no place in it/],
    [dict("(3,)").replace("}", "}}"), /something follows the dict/],
    [dict("(3)"), /shape is not a tuple/],
    [dict("[3]"), /a \( is missing/],
    [dict("(3 3)"), /a , is missing/],
    [dict("(3,,)"), /an extent of shape is ",", not a whole number/],
    [dict("(-3,)"), /an extent of shape is "-3", not a whole number/],
    [dict("(True,)"), /an extent of shape is "True", not a whole number/],
    [dict("(3L,)"), /a character has no place in it/],
    [dict("(3.0,)"), /a character has no place in it/],
    [dict("(3,").replace("}", ""), /an extent of shape is ",", not a whole number/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,", /an extent of shape is "", not a whole number/],
    [dict("(3,)", "<f4"), /a character has no place in it/],
    [dict("(3,)", "3"), /a text in quotes is missing/],
    [dict("(3,)", "'<f4'", "0"), /fortran_order is not True or False/],
    [dict("(3,)", "'<f4'", "Falsey"), /a character has no place in it/],
    [dict("(3,)", "'=f4'"), /got dtype "=f4": expected float32/],
    [dict("(3,)", "'\x1b[2J\x9b'"), /got dtype "\?\[2J\?"/],
    [dict("(4,)"), /truncated: expected 16 bytes for shape \(4\) of float32, got 12/],
    [dict("(2,)"), /something follows the array: expected 8 bytes/],
    [dict("(0,)"), /something follows the array: expected 0 bytes/],
    // Products and extents far beyond any array; allocating first would throw RangeError, not NpyError.
    [dict("(9007199254740993, 2)"), /expected extents that an array can have/],
    [dict("(4294967296, 4294967296)"), /expected extents that an array can have/],
    [dict("(0, 4294967296, 4294967296)"), /expected extents that an array can have/],
    [dict(`(${"9".repeat(40)},)`), /expected extents that an array can have/],
    [dict("(1000000000000,)"), /expected 4000000000000 bytes/],
  ])("%j is refused", (header, message) => {
    expectRefusal(fileOf(header, 12), message);
  });

  test.each([
    ["nothing", new Uint8Array(0), /does not start like one/],
    ["another kind of file", new TextEncoder().encode("PK\x03\x04 something"), /does not start like one/],
    ["the magic alone", fileOf("", 0).subarray(0, 6), /truncated: expected a whole header, got a file of 6/],
    ["half a length", fileOf("", 0).subarray(0, 9), /truncated: expected a whole header, got a file of 9/],
    ["a header beyond the end", fileOf("{'descr'", 0).subarray(0, 12), /truncated: expected a whole header/],
    ["version 0.9", fileOf(dict("(3,)"), 12, [0, 9]), /version 0.9: expected 1.0, 2.0 or 3.0/],
    ["version 1.1", fileOf(dict("(3,)"), 12, [1, 1]), /version 1.1: expected/],
    ["version 4.0", fileOf(dict("(3,)"), 12, [4, 0]), /version 4.0: expected/],
    [
      "a header of 4 GiB",
      Uint8Array.from([...fileOf("", 0, [2, 0]).subarray(0, 8), 255, 255, 255, 255]),
      /4294967295/,
    ],
  ])("%s is refused", (_, bytes, message) => {
    expectRefusal(bytes, message);
  });
});

test("data of another size than its shape, or without 1 to 5 axes, cannot be written", () => {
  expect(() => encodeNpy(new Float32Array(5), [2, 3])).toThrow(/5 elements for shape \[2,3\]/);
  expect(() => encodeNpy(new Float32Array(1), [])).toThrow(/an array of 0 axes/);
  expect(() => encodeNpy(new Float32Array(1), [1, 1, 1, 1, 1, 1])).toThrow(/an array of 6 axes/);
});

/** Flip, remove, insert or overwrite a few bytes; half of the time near the start, where the header is. */
function mutate(bytes: Uint8Array, stream: RandomStream): Uint8Array {
  let mutant = [...bytes];
  for (let count = stream.integer(1, 3); count > 0; count--) {
    const reach = stream.uniform() < 0.5 ? Math.min(128, mutant.length) : mutant.length;
    const at = stream.integer(0, Math.max(0, reach - 1));
    const byte = stream.integer(0, 255);
    const kind = stream.integer(0, 3);
    if (kind === 0) mutant[at] = (mutant[at] ?? 0) ^ (1 << (byte % 8));
    else if (kind === 1) mutant = mutant.slice(0, at);
    else if (kind === 2) mutant.splice(at, 0, byte, ...mutant.slice(at, at + (byte % 4)));
    else mutant[at] = "0123456789(),'{}<|f48bOTF".charCodeAt(byte % 25);
  }
  return Uint8Array.from(mutant);
}

// Oracle: invariant. A file is read, with as many elements as its shape says, or refused with NpyError.
test("4000 damaged files are read or refused, and nothing else happens", () => {
  const seeds = readdirSync(folder)
    .filter((name) => name.endsWith(".npy") && name !== "refused-long-header.npy")
    .map((name) => bytesOf(name.replace(".npy", "")));
  let read = 0;
  for (let seed = 0; seed < 4000; seed++) {
    const stream = createRandomStream({ seed, rank: 0, trainingStep: 0, purpose: "mutation" });
    const mutant = mutate(seeds[seed % seeds.length]!, stream);
    try {
      const { shape, data } = decodeNpy(mutant);
      expect(data.length, `seed ${seed}`).toBe(shape.reduce((product, extent) => product * extent, 1));
      read++;
    } catch (error) {
      if (!(error instanceof NpyError)) throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  // Both happen: an array of other elements is still an array.
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(4000);
});
