import { NpyError } from "./npy-error.ts";

/** What the header of a .npy file says, before anything is made of it. */
export interface NpyHeader {
  /** Byte order, kind and bytes of an element, such as `<f4`. */
  readonly descr: string;
  readonly isFortranOrder: boolean;
  /** Extents, whole numbers of at least 0. */
  readonly shape: readonly number[];
}

/**
 * Read the dict literal of a .npy header. Python would evaluate it; this reads the one form that
 * NumPy's format allows: three keys in any order, a text, a truth value and a tuple of whole numbers.
 *
 * @throws NpyError on anything else.
 * @see numpy.lib.format
 */
export function parseNpyHeader(text: string): NpyHeader {
  const reader = new HeaderReader(text);
  const { descr, fortran_order, shape } = reader.readDict();
  if (descr === undefined || fortran_order === undefined || shape === undefined)
    throw reader.unexpected("a key is missing");
  return { descr, isFortranOrder: fortran_order, shape };
}

/** Text from a file, safe and short enough to print. */
export function quoted(text: string): string {
  const printable = text.trimEnd().replace(/[^ -~]/g, "?");
  return `"${printable.length > 80 ? `${printable.slice(0, 77)}...` : printable}"`;
}

interface Fields {
  descr?: string;
  fortran_order?: boolean;
  shape?: readonly number[];
}

/** White space, then text in quotes, a word or a sign. At the end of the text: no token. */
const token = /[\t\n\f\r ]*(?:(['"])([^'"\\]*)\1|(True|False|-?\d+)|([{}():,[\]])|$)/y;

class HeaderReader {
  readonly #text: string;
  /** Text is marked with a quote in front. */
  readonly #tokens: string[] = [];
  #index = 0;

  constructor(text: string) {
    this.#text = text;
    token.lastIndex = 0;
    while (token.lastIndex < text.length) {
      const match = token.exec(text);
      if (match === null) throw this.unexpected("a character has no place in it");
      const [, , string, word, sign] = match;
      this.#tokens.push(string === undefined ? (word ?? sign ?? "") : `'${string}`);
    }
  }

  unexpected(what: string): NpyError {
    const example = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    return new NpyError(`${what}: expected a header such as ${example}, got ${quoted(this.#text)}`);
  }

  readDict(): Fields {
    const fields: Fields = {};
    this.#take("{");
    while (this.#peek() !== "}") {
      const key = this.#readText();
      if (Object.hasOwn(fields, key)) throw this.unexpected(`the key ${quoted(key)} appears twice`);
      this.#take(":");
      if (key === "descr") fields.descr = this.#readDescr();
      else if (key === "fortran_order") fields.fortran_order = this.#readTruth();
      else if (key === "shape") fields.shape = this.#readShape();
      else throw this.unexpected(`the key ${quoted(key)} is unknown`);
      if (this.#peek() !== "}") this.#take(",");
    }
    this.#take("}");
    if (this.#peek() !== "") throw this.unexpected("something follows the dict");
    return fields;
  }

  #peek(): string {
    return this.#tokens[this.#index] ?? "";
  }

  #next(): string {
    const next = this.#peek();
    this.#index++;
    return next;
  }

  #take(sign: string): void {
    if (this.#next() !== sign) throw this.unexpected(`a ${sign} is missing`);
  }

  #readText(): string {
    const text = this.#next();
    if (!text.startsWith("'")) throw this.unexpected("a text in quotes is missing");
    return text.slice(1);
  }

  #readDescr(): string {
    if (this.#peek() === "[")
      throw new NpyError(
        `got a structured dtype in ${quoted(this.#text)}: expected plain numbers, save one field by itself`,
      );
    return this.#readText();
  }

  #readTruth(): boolean {
    const word = this.#next();
    if (word !== "True" && word !== "False") throw this.unexpected("fortran_order is not True or False");
    return word === "True";
  }

  /** A tuple: `()`, `(2,)`, `(2, 3)`. `(2)` is a number in Python. */
  #readShape(): number[] {
    const shape: number[] = [];
    let commas = 0;
    this.#take("(");
    while (this.#peek() !== ")") {
      shape.push(this.#readExtent());
      if (this.#peek() === ")") break;
      this.#take(",");
      commas++;
    }
    this.#take(")");
    if (shape.length === 1 && commas === 0) throw this.unexpected("shape is not a tuple");
    return shape;
  }

  #readExtent(): number {
    const word = this.#next();
    if (!/^\d+$/.test(word))
      throw this.unexpected(`an extent of shape is ${quoted(word)}, not a whole number`);
    return Number(word);
  }
}
