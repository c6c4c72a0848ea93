import { isAlias, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, Parser, parseDocument } from "yaml";
import { type Fault, ScenarioError } from "../errors.ts";
import { describe } from "./issues.ts";

/** A parsed file that still knows where everything was written. */
export interface ScenarioDocument {
  /** Plain data; maps have no prototype. */
  readonly value: unknown;
  /** Faults that leave the rest readable: keys that appear twice. */
  readonly faults: readonly Fault[];
  /** A fault at a path; where the path does not exist, at the nearest map or list that holds it. */
  fault(path: Path, at: "key" | "value", message: string): Fault;
}

type Path = readonly (string | number)[];

// A scenario of 1024 ranks with every list written out stays below each limit.
const maxCharacters = 2 ** 18;
const maxDepth = 50;
const maxKeys = 1000;
const maxValues = 100_000;
/** One slip of a bracket makes thousands, each a consequence of the first. */
const maxSyntaxFaults = 20;

/**
 * Read one YAML document; JSON is YAML too.
 *
 * @throws ScenarioError on wrong syntax, tags, several documents, an empty file, and on files built
 *   to exhaust a parser: too long, too deep, too many aliases.
 */
export function readDocument(text: string, file: string): ScenarioDocument {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const faultAt = (offset: number, path: Path, message: string): Fault => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: dotted(path), message };
  };
  if (text.length > maxCharacters)
    throw new ScenarioError([
      faultAt(0, [], `expected at most ${maxCharacters} characters, got ${text.length}`),
    ]);
  const tooDeep = offsetBeyondDepth(text, lines);
  if (tooDeep !== undefined)
    throw new ScenarioError([faultAt(tooDeep, [], `expected at most ${maxDepth} levels of nesting`)]);

  const document = parseDocument(text, {
    prettyErrors: false,
    stringKeys: true,
    // Quadratic in the number of keys; PlainReader finds them as it goes.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: "error",
  });
  const unreadable = [...document.errors, ...document.warnings].map(({ code, message, pos }) =>
    faultAt(pos[0], [], (rewordings.get(code) ?? message).replaceAll(/\p{Cc}/gu, " ")),
  );
  const root = document.contents;
  const reader = new PlainReader();
  const value = reader.read(root, []);
  const sighted = ({ node, path, message }: Sighting) => faultAt(startOf(node), path, message);
  unreadable.push(...reader.unreadable.map(sighted));
  if (unreadable.length > 0) throw new ScenarioError(unreadable.slice(0, maxSyntaxFaults));

  return {
    value,
    faults: reader.duplicates.map(sighted),
    fault: (path, at, message) => faultAt(offsetOf(root, path, at), path, message),
  };
}

/** Where the library speaks of its own interface. */
const rewordings: ReadonlyMap<string, string> = new Map([
  ["MULTIPLE_DOCS", "expected one document, got a second one"],
  ["TAG_RESOLVE_FAILED", "expected a value without this tag"],
  ["NON_STRING_KEY", "expected text as the key of a map"],
]);

/** `data.samples[3]`; a key that is not a plain word is quoted, so that a fault stays on its line. */
function dotted(path: Path): string {
  const parts = path.map((part) => {
    if (typeof part === "number") return `[${part}]`;
    return /^[\w-]{1,60}$/.test(part) ? `.${part}` : `[${describe(part)}]`;
  });
  return parts.join("").replace(/^\./, "");
}

/**
 * Where the nesting becomes too deep, if it does. The composer recurses, and a stack exhausted
 * inside a regular expression ends the process (Node 20); this parser keeps its stack in an array.
 */
function offsetBeyondDepth(text: string, lines: LineCounter): number | undefined {
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    parser.next(lexeme).next();
    if (parser.stack.length > maxDepth) return parser.offset;
  }
  return undefined;
}

interface Sighting {
  readonly node: unknown;
  readonly path: Path;
  readonly message: string;
}

/** Turns nodes into plain data in document order, in one pass that is linear in the file. */
class PlainReader {
  readonly unreadable: Sighting[] = [];
  readonly duplicates: Sighting[] = [];
  /** What each anchor stands for, and how many values that is: an alias counts in full. */
  readonly #anchors = new Map<string, { readonly value: unknown; readonly count: number }>();
  #count = 0;

  read(node: unknown, path: Path): unknown {
    if (isAlias(node)) return this.#readAlias(node.source, node, path);
    const before = this.#count;
    this.#countValues(1, node, path);
    const value = isMap(node)
      ? this.#readMap(node.items, path)
      : isSeq(node)
        ? node.items.map((item, index) => this.read(item, [...path, index]))
        : isScalar(node)
          ? node.value
          : null;
    // Only now, so that a value cannot hold itself.
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, { value, count: this.#count - before });
    return value;
  }

  #readMap(pairs: readonly { readonly key: unknown; readonly value: unknown }[], path: Path): unknown {
    if (pairs.length > maxKeys)
      this.unreadable.push({
        node: pairs[0]?.key,
        path,
        message: `expected at most ${maxKeys} keys in a map`,
      });
    // Without a prototype, so that `__proto__` is a key like any other.
    const map: Record<string, unknown> = Object.create(null);
    for (const pair of pairs) {
      const key = keyText(pair.key);
      const here = [...path, key];
      if (Object.hasOwn(map, key))
        this.duplicates.push({ node: pair.key, path: here, message: "this key appears twice" });
      map[key] = this.read(pair.value, here);
    }
    return map;
  }

  #readAlias(source: string, node: unknown, path: Path): unknown {
    const target = this.#anchors.get(source);
    if (target === undefined)
      this.unreadable.push({
        node,
        path,
        message: `alias ${describe(`*${source}`)} has no complete anchor before it`,
      });
    this.#countValues(target?.count ?? 1, node, path);
    return target?.value;
  }

  #countValues(count: number, node: unknown, path: Path): void {
    const isFirstTooMany = this.#count <= maxValues && this.#count + count > maxValues;
    this.#count += count;
    if (isFirstTooMany)
      this.unreadable.push({ node, path, message: `expected at most ${maxValues} values, aliases in full` });
  }
}

/** Offset in the text of the key or the value at a path; paths end early at an alias. */
function offsetOf(node: unknown, path: Path, at: "key" | "value"): number {
  const [part, ...rest] = path;
  if (isSeq(node) && typeof part === "number" && part < node.items.length)
    return offsetOf(node.items[part], rest, at);
  if (!isMap(node)) return startOf(node);
  // The last of two equal keys is the one whose value counts.
  const pair = node.items.findLast(({ key }) => keyText(key) === part);
  if (pair === undefined) return startOf(node);
  const isKey = pair.value === null || (rest.length === 0 && at === "key");
  return isKey ? startOf(pair.key) : offsetOf(pair.value, rest, at);
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}
