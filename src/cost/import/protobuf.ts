import { FormatError } from "../../scenario/format-error.ts";

/** Bytes that are read where they are needed, so that a file of many GB costs no memory. */
export interface ByteSource {
  readonly byteCount: number;
  /** Exactly these bytes; both ends lie inside. */
  read(start: number, end: number): Uint8Array;
}

/** One field of a message: a number, or where its bytes are. */
export interface Field {
  readonly number: number;
  /** Of a varint; undefined for every other wire type. */
  readonly value: number | undefined;
  /** Of what is length-delimited; start = end for every other wire type. */
  readonly start: number;
  readonly end: number;
}

/** More than the largest models have, and read within a second. */
const fieldsMaximum = 2 ** 21;
const pageBytes = 2 ** 14;

/**
 * Reads protocol buffers field by field; what nobody asks for is skipped without being read.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufReader {
  readonly #source: ByteSource;
  #page: Uint8Array = new Uint8Array(0);
  #pageStart = 0;
  #fields = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * The fields of the message in these bytes.
   *
   * @throws FormatError if they are no message, or all that were read are too many.
   */
  fields(start: number, end: number): Field[] {
    const fields: Field[] = [];
    let at = start;
    while (at < end) {
      if (++this.#fields > fieldsMaximum)
        throw new FormatError(`expected a model of at most ${fieldsMaximum} fields, got more`);
      const tag = this.#varint(at, end);
      const number = Math.floor(tag.value / 8);
      const wire = tag.value % 8;
      if (number < 1) throw this.#unexpected(at);
      if (wire === 0) {
        const { value, next } = this.#varint(tag.next, end);
        fields.push({ number, value, start: next, end: next });
        at = next;
      } else {
        const length = wire === 2 ? this.#varint(tag.next, end) : { value: fixedBytes[wire], next: tag.next };
        if (length.value === undefined || length.value > end - length.next) throw this.#unexpected(at);
        at = length.next + length.value;
        fields.push({ number, value: undefined, start: wire === 2 ? length.next : at, end: at });
      }
    }
    return fields;
  }

  /** Varints in a row, as a packed repeated field has them. */
  packed({ start, end }: Field, most: number): number[] {
    const values: number[] = [];
    for (let at = start; at < end; ) {
      if (values.length === most) throw this.#unexpected(at);
      const { value, next } = this.#varint(at, end);
      values.push(value);
      at = next;
    }
    return values;
  }

  /** Text; bytes outside printable ASCII become `?`. */
  text({ start, end }: Field): string {
    const most = 4096;
    if (end - start > most)
      throw new FormatError(`expected a name of at most ${most} bytes, got ${end - start}`);
    return String.fromCharCode(...this.#source.read(start, end)).replace(/[^ -~]/g, "?");
  }

  #byte(at: number): number {
    const inside = at - this.#pageStart;
    if (inside >= 0 && inside < this.#page.length) return this.#page[inside]!;
    this.#pageStart = at;
    this.#page = this.#source.read(at, Math.min(at + pageBytes, this.#source.byteCount));
    return this.#page[0]!;
  }

  /** 64 bits in two's complement; magnitudes above 2^53 are rounded. */
  #varint(start: number, end: number): { readonly value: number; readonly next: number } {
    let value = 0;
    for (let i = 0; i < 10 && start + i < end; i++) {
      const byte = this.#byte(start + i);
      value += (byte % 128) * 2 ** (7 * i);
      if (byte < 128) return { value: value >= 2 ** 63 ? value - 2 ** 64 : value, next: start + i + 1 };
    }
    throw this.#unexpected(start);
  }

  #unexpected(at: number): FormatError {
    return new FormatError(`expected an ONNX model, got something else at byte ${at}`);
  }
}

/** Bytes of wire types with a length of their own; groups (3, 4) are not in use. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
