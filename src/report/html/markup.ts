import { assert } from "../../assert.ts";

/** An element of HTML or SVG as plain data: any renderer can make it, and text in it is only ever text. */
export interface Element {
  readonly tag: string;
  readonly attributes: Attributes;
  readonly children: readonly Markup[];
}

/** An element, or text as a person reads it: not escaped. */
export type Markup = Element | string;

/** Numbers are coordinates: they are written with at most two decimals. An attribute that is true has no value; false leaves it out. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Make an element; children that are null are left out. */
export function element(
  tag: string,
  attributes: Attributes = {},
  ...children: readonly (Markup | null | readonly Markup[])[]
): Element {
  return { tag, attributes, children: children.flat().filter((child) => child !== null) };
}

const voidTags = new Set(["meta", "br", "col"]);
/** Their text is no markup; nothing in it is escaped. */
const rawTags = new Set(["style", "script"]);

/**
 * Write markup. Everything but the text of style and script is escaped.
 *
 * @throws AssertionError if that text would end its element, or on a tag or attribute that is no name.
 */
export function renderMarkup(markup: Markup): string {
  if (typeof markup === "string") return escapeText(markup);
  const { tag, attributes, children } = markup;
  assert(isName(tag), `<${tag}> is no element`);
  const opening = `<${tag}${Object.entries(attributes).map(renderAttribute).join("")}>`;
  if (voidTags.has(tag)) return opening;
  return `${opening}${rawTags.has(tag) ? rawText(children) : children.map(renderMarkup).join("")}</${tag}>`;
}

function renderAttribute([name, value]: [string, string | number | boolean]): string {
  assert(isName(name), `${name} is no attribute`);
  if (typeof value === "boolean") return value ? ` ${name}` : "";
  const text = typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
  return ` ${name}="${escapeText(text)}"`;
}

function rawText(children: readonly Markup[]): string {
  const text = children.join("");
  assert(!text.includes("</"), "the text of a style or script would end it");
  return text;
}

const isName = (text: string): boolean => /^[A-Za-z][\w:-]*$/.test(text);

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
