import { didYouMean } from "./suggestion.ts";

/** One thing wrong with a scenario, before it has a line: `parseScenario` makes a Fault of it. */
export interface Finding {
  readonly path: readonly (string | number)[];
  /** Whether the key or the value at the end of the path is at fault. */
  readonly at: "key" | "value";
  readonly message: string;
}

/** What the schema library says about one value: the part that is read here. */
export interface Issue {
  readonly code?: string;
  readonly path?: readonly PropertyKey[] | undefined;
  readonly message?: string | undefined;
  readonly input?: unknown;
  /** invalid_type: the type that would do. */
  readonly expected?: unknown;
  /** invalid_value: the values that would do. */
  readonly values?: unknown;
  /** too_small and too_big: the bound, whether it is allowed itself, and what it bounds. */
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly inclusive?: unknown;
  readonly origin?: unknown;
  /** unrecognized_keys. */
  readonly keys?: unknown;
  /** invalid_union: what each member says; empty where the discriminator matched none. */
  readonly errors?: unknown;
  /** invalid_union by a discriminator: its key and the values that would do. */
  readonly discriminator?: unknown;
  readonly options?: unknown;
}

/** What was got and what would do, for every issue whose schema has no words of its own. */
export function issueMessage(issue: Issue): string {
  const input = inputOf(issue);
  const got = input === undefined ? "" : `, got ${describe(input)}`;
  if (issue.code === "too_small" || issue.code === "too_big") return `expected ${boundInWords(issue)}${got}`;
  const expected = expectations(issue);
  const literals = expected.filter(({ isLiteral }) => isLiteral).map(({ text }) => text);
  const words = expected.map(({ text, isLiteral }) => (isLiteral ? JSON.stringify(text) : text));
  return `expected ${enumerate(words)}${got}${didYouMean(input, literals)}`;
}

/**
 * Findings of the schema library's issues, at most one for a value: one for each unknown key, and
 * for a value that may take several forms those of the form it was written in.
 */
export function findingsOf(issues: readonly Issue[]): Finding[] {
  const findings = nestedFindings(issues, []);
  // Of two bounds that a number breaks, the last is the scenario's; the first is the library's for integers.
  return [...new Map(findings.map((found) => [JSON.stringify(found.path), found])).values()];
}

function nestedFindings(issues: readonly Issue[], parent: Finding["path"]): Finding[] {
  return issues.flatMap((issue) => {
    const path = [...parent, ...((issue.path ?? []) as (string | number)[])];
    if (issue.code === "unrecognized_keys") return unknownKeys(issue, path);
    const chosen = chosenForm(issue);
    if (chosen !== undefined) return nestedFindings(chosen, path);
    const prefix = inputOf(issue) === undefined ? "missing: " : "";
    return [{ path, at: "value", message: prefix + (issue.message ?? "") } as const];
  });
}

/** The value at fault; the library passes the whole map where a discriminator matches nothing. */
function inputOf({ input, discriminator }: Issue): unknown {
  return discriminator === undefined ? input : (input as Record<string, unknown>)[String(discriminator)];
}

function boundInWords({ code, minimum, maximum, inclusive, origin }: Issue): string {
  const direction = code === "too_small" ? ["at least", "more than"] : ["at most", "less than"];
  const of = origin === "array" ? " in the list" : origin === "string" ? " characters" : "";
  return `${direction[inclusive === false ? 1 : 0]} ${minimum ?? maximum}${of}`;
}

/** A value from the file in a few characters. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object") return "a map";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** `a, b or c`. */
function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** A sweep takes the grid out of the file before it reads a point. */
const gridMessage = "expected one scenario, got a grid of them, which `normsim sweep` runs";

/** The schema says in the message of an unrecognized_keys issue which keys it knows. */
function unknownKeys(issue: Issue, path: Finding["path"]): Finding[] {
  const known = issue.message ?? "";
  return (issue.keys as string[]).map((key) => {
    const isGrid = path.length === 0 && key === "matrix";
    const hint = didYouMean(key, known.split(", ")) || `; known here: ${known}`;
    const message = isGrid ? gridMessage : `unknown key ${describe(key)}${hint}`;
    return { path: [...path, key], at: "key", message };
  });
}

/** The issues of the one union member that accepts this kind of value at all, if there is one. */
function chosenForm(issue: Issue): readonly Issue[] | undefined {
  if (issue.code !== "invalid_union") return undefined;
  const fitting = (issue.errors as Issue[][]).filter((member) => !member.some(isWrongKind));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function isWrongKind(issue: Issue): boolean {
  const isAboutWhole = (issue.path ?? []).length === 0;
  return isAboutWhole && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

interface Expectation {
  readonly text: string;
  /** A value to write as it is; otherwise words about a kind of value. */
  readonly isLiteral: boolean;
}

function expectations(issue: Issue): Expectation[] {
  const literals = (issue.values ?? issue.options) as unknown[] | undefined;
  if (literals !== undefined) return literals.map((value) => ({ text: String(value), isLiteral: true }));
  if (issue.code === "invalid_union") return (issue.errors as Issue[][]).flat().flatMap(expectations);
  return [{ text: kindInWords(issue), isLiteral: false }];
}

function kindInWords(issue: Issue): string {
  switch (issue.expected) {
    case "int":
      return "a whole number";
    case "number":
      return typeof issue.input === "number" ? "a finite number" : "a number";
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "array":
    case "tuple":
      return "a list";
    case "object":
      return "a map";
    default:
      return String(issue.expected);
  }
}
