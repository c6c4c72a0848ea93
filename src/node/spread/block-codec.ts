import type { ExchangeResult, PassResult } from "../../engine/pass-result.ts";
import type { Answer, BlockOutcome } from "../../engine/spread/block-call.ts";
import { QueueError } from "../../errors.ts";
import { numberFormats } from "../../scenario/number-format.ts";
import { z } from "../../scenario/schema-language.ts";

// What blocks and their merges send each other, as JSON; arrays are base64 of their bytes, little-endian as on every
// machine that Node runs on. Whatever arrives is held against the schema.

const natural = z.int().min(0);

function arrayOf<T extends Float32Array | Float64Array>(Kind: new (length: number) => T, bytes: 4 | 8) {
  return z.base64().transform((text, context): T => {
    const decoded = Buffer.from(text, "base64");
    if (decoded.length % bytes !== 0) {
      context.issues.push({ code: "custom", message: `expected numbers of ${bytes} bytes`, input: text });
      return z.NEVER;
    }
    const array = new Kind(decoded.length / bytes);
    new Uint8Array(array.buffer as ArrayBuffer).set(decoded);
    return array;
  });
}
const doubles = z.strictObject({ float64: arrayOf(Float64Array, 8) }).transform(({ float64 }) => float64);
const singles = z.strictObject({ float32: arrayOf(Float32Array, 4) }).transform(({ float32 }) => float32);
const floats = z.union([doubles, singles]);
/** JSON has no NaN. */
const anyNumber = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"]).transform(Number)]);

const operation = z.enum(["all-reduce", "all-gather", "reduce-scatter", "broadcast"]);
const format = z.enum([...numberFormats, "int32", "int64"]);
const entry = z.strictObject({
  normalizer: natural,
  sequence: natural,
  group: natural,
  operation,
  algorithm: z.string(),
  format,
  messagesSent: natural,
  bytesSent: natural,
  bytesReceived: natural,
  sample: z.strictObject({ elements: z.array(natural), values: z.array(z.array(anyNumber)) }).exactOptional(),
});
const ledger = z.array(entry);

const contribution = z.strictObject({
  rank: natural,
  part: z.union([z.literal(0), z.literal(1)]),
  operation,
  format,
  valuesPerElement: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  counts: z.array(natural).nullable(),
  values: floats,
});

const exchangeResult: z.ZodType<ExchangeResult> = z.strictObject({ rank: natural, ledger });
const passResult: z.ZodType<PassResult> = z.strictObject({
  rank: natural,
  ledger,
  setCount: natural,
  clampedVariances: z.strictObject({ own: natural, merged: natural }),
  overflows: natural,
  nonFinite: z.strictObject({ y: natural, dx: natural }),
});

const outcome: z.ZodType<BlockOutcome> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("waits"), contributions: z.array(contribution) }),
  z.strictObject({
    kind: z.literal("done"),
    arrays: z.array(doubles),
    results: z.array(z.union([passResult, exchangeResult])),
  }),
]);

const received = z.strictObject({ vector: natural, entry, overflows: natural });
const answer: z.ZodType<Answer> = z.strictObject({
  vectors: z.array(floats),
  ranks: z.array(received.nullable()),
});

/** What a merge returns: hashes of texts in Redis. */
export interface MergeResult {
  /** null: no block waits for one. */
  readonly answer: string | null;
  /** Of every block. */
  readonly outcomes: readonly string[];
}
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const merge: z.ZodType<MergeResult> = z.strictObject({ answer: hash.nullable(), outcomes: z.array(hash) });

/** An outcome, an answer or the whole batch's array as text. */
export function encode(value: BlockOutcome | Answer | Float64Array): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Float64Array || part instanceof Float32Array) {
      const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("base64");
      return part instanceof Float64Array ? { float64: bytes } : { float32: bytes };
    }
    return typeof part === "number" && !Number.isFinite(part) ? String(part) : part;
  });
}

/** @throws QueueError if the text is none, as are those below. */
export const decodeOutcome = (text: string): BlockOutcome => decode(outcome, text);
export const decodeAnswer = (text: string): Answer => decode(answer, text);
export const decodeMerge = (text: string): MergeResult => decode(merge, text);
/** The whole batch, as blocks are told of it. */
export const decodeWhole = (text: string): Float64Array => decode(doubles, text);

function decode<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  const where = error?.issues[0]?.path.join(".") ?? "";
  throw new QueueError(
    `what a job left is not as this version writes it${where === "" ? "" : `, at ${where}`}`,
  );
}
