// Prints docs/scenario-reference.md: every key of a scenario file, from the schema that checks scenarios.
//   npm run docs
import { scenarioJsonSchema } from "../src/scenario/json-schema.ts";

/** The part of JSON Schema that zod writes for a scenario. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** One key of a map: where a map has several forms, `forms` names those that have the key. */
interface Key {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
  readonly forms: string[];
}

const formsOf = (schema: Schema): readonly Schema[] => schema.oneOf ?? schema.anyOf ?? [schema];

/** The maps that may stand somewhere, inside a list too. */
function mapsIn(schema: Schema): Schema[] {
  return formsOf(schema)
    .flatMap((form) => (form.items === undefined ? [form] : formsOf(form.items)))
    .filter(({ properties }) => properties !== undefined);
}

/** What tells the forms of a map apart: the key that is another constant in each. */
function discriminatorOf(maps: readonly Schema[]): string | undefined {
  const names = Object.keys(maps[0]!.properties!);
  return maps.length < 2
    ? undefined
    : names.find((name) => maps.every((map) => isFixed(map.properties![name])));
}

const isFixed = (schema: Schema | undefined): boolean =>
  schema?.const !== undefined || schema?.enum !== undefined;
const constantsOf = ({ const: only, enum: several }: Schema): string[] => (several ?? [only]).map(String);

/** The keys of all forms of a map; forms share an entry where a key means the same to them. */
function keysOf(maps: readonly Schema[], discriminator: string | undefined): Key[] {
  const keys = new Map<string, Key>();
  for (const map of maps) {
    const form = discriminator === undefined ? [] : constantsOf(map.properties![discriminator]!);
    for (const [name, schema] of Object.entries(map.properties!)) {
      if (name === discriminator) continue;
      const isRequired = map.required?.includes(name) ?? false;
      const id = JSON.stringify([name, schema, isRequired]);
      const known = keys.get(id);
      if (known === undefined) keys.set(id, { name, schema, isRequired, forms: [...form] });
      else known.forms.push(...form);
    }
  }
  return [...keys.values()];
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const forms = formsOf(schema);
  if (forms.length > 1) return [...new Set(forms.map(typeOf))].join(" or ");
  if (schema.prefixItems !== undefined)
    return schema.prefixItems.length === 0 ? "empty list" : `list of one ${typeOf(schema.prefixItems[0]!)}`;
  if (schema.items !== undefined)
    return `list of ${mapsIn(schema).length > 0 ? "maps" : pluralOf(typeOf(schema.items))}`;
  if (schema.type === "array") return "empty list";
  if (schema.type === "object") return "map";
  if (schema.type === "string") return "text";
  if (schema.type === "boolean") return "true or false";
  if (schema.type === "null") return "null";
  return `${schema.type === "integer" ? "whole number" : "number"}${rangeOf(schema)}`;
}

/** `whole number ≥ 0` as `whole numbers ≥ 0`. */
const pluralOf = (type: string): string => type.replace(/^(whole number|number|list|text)/, "$1s");

/** Bounds as a person reads them. Bounds of float32's size and above are no news. */
function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): string {
  const isNews = (bound: number | undefined): bound is number =>
    bound !== undefined && Math.abs(bound) < 1e15;
  const bounds = [
    ...(isNews(minimum) ? [`≥ ${minimum}`] : []),
    ...(isNews(exclusiveMinimum) ? [`> ${exclusiveMinimum}`] : []),
    ...(isNews(maximum) ? [`≤ ${maximum}`] : []),
    ...(isNews(exclusiveMaximum) ? [`< ${exclusiveMaximum}`] : []),
  ];
  return bounds.length === 0 ? "" : ` ${bounds.join(", ")}`;
}

function defaultOf({ schema, isRequired }: Key): string {
  if (isRequired) return "required";
  if (schema.default === undefined) return "";
  return `\`${JSON.stringify(schema.default)}\``.replaceAll('"', "");
}

const inCell = (text: string): string => text.replaceAll("|", "\\|");
const row = (cells: readonly string[]): string => `| ${cells.map(inCell).join(" | ")} |`;

function tableOf(keys: readonly Key[], discriminator: string | undefined, formCount: number): string[] {
  const withForms = discriminator !== undefined;
  const where = ({ forms }: Key): string => (forms.length === formCount ? "all" : forms.join(", "));
  return [
    row(["key", ...(withForms ? [discriminator] : []), "value", "default", "meaning"]),
    row(Array.from({ length: withForms ? 5 : 4 }, () => "---")),
    ...keys.map((key) =>
      row([
        `\`${key.name}\``,
        ...(withForms ? [where(key)] : []),
        typeOf(key.schema),
        defaultOf(key),
        key.schema.description ?? "",
      ]),
    ),
  ];
}

/** A map's own section, then those of the maps in it. */
function sectionOf(path: string, schema: Schema): string[] {
  const maps = mapsIn(schema);
  const discriminator = discriminatorOf(maps);
  const keys = keysOf(maps, discriminator);
  const forms = maps.flatMap((map) => (discriminator === undefined ? [] : [map.properties![discriminator]!]));
  return [
    `## ${path === "" ? "The file" : `\`${path}\``}`,
    "",
    ...forms.map((form) => `- \`${discriminator}: ${constantsOf(form).join(" | ")}\`: ${form.description}`),
    ...(forms.length === 0 ? [] : [""]),
    ...tableOf(keys, discriminator, forms.flatMap(constantsOf).length),
    "",
    ...keys
      .filter(({ schema: inner }) => mapsIn(inner).length > 0)
      .flatMap(({ name, schema: inner }) => sectionOf(path === "" ? name : `${path}.${name}`, inner)),
  ];
}

const page = [
  "# Scenario reference",
  "",
  "Every key of a scenario file. This page is generated from the schema that checks scenarios",
  "([scripts/scenario-reference.ts](../scripts/scenario-reference.ts)); a test compares the two. `normsim schema` prints the",
  "same as JSON Schema, which editors understand. Unknown keys are errors. No default: the meaning says what happens.",
  "",
  ...sectionOf("", scenarioJsonSchema()),
];
process.stdout.write(`${page.join("\n").trimEnd()}\n`);
