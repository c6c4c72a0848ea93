/** Where a value stands in a scenario, key by key; `normalizers[1].group` is ["normalizers", 1, "group"]. */
export type FieldPath = readonly (string | number)[];

/** Read a path as faults write it; undefined if it is not one. */
export function parseFieldPath(text: string): FieldPath | undefined {
  if (!/^[\w-]+(\[\d{1,6}\]|\.[\w-]+)*$/.test(text)) return undefined;
  return [...text.matchAll(/\[(\d+)\]|[\w-]+/g)].map(([word, index]) =>
    index === undefined ? word : Number(index),
  );
}

/** A changed copy, or why the path does not lead anywhere. */
export type Changed = { readonly value: unknown } | { readonly objection: string };

/**
 * A copy of plain data with another value at a path. Maps that are missing on the way are made;
 * entries of lists are not, nor is a value that is neither map nor list replaced by one.
 */
export function withValueAt(data: unknown, path: FieldPath, value: unknown): Changed {
  const [part, ...rest] = path;
  if (part === undefined) return { value };
  if (typeof part === "number") return withEntryAt(data, part, rest, value);
  if (Array.isArray(data)) return { objection: `expected an entry of the list such as [0], got ${part}` };
  if (typeof data !== "object" && data !== undefined)
    return { objection: `${JSON.stringify(data)} has no field ${JSON.stringify(part)}` };
  const map = (data ?? {}) as Readonly<Record<string, unknown>>;
  const inner = withValueAt(Object.hasOwn(map, part) ? map[part] : undefined, rest, value);
  return "objection" in inner ? inner : { value: { ...map, [part]: inner.value } };
}

function withEntryAt(data: unknown, index: number, rest: FieldPath, value: unknown): Changed {
  if (!Array.isArray(data)) return { objection: `[${index}] needs a list there, and there is none` };
  if (index >= data.length)
    return { objection: `the list has ${data.length} entries, counted from 0, got [${index}]` };
  const inner = withValueAt(data[index], rest, value);
  return "objection" in inner ? inner : { value: data.with(index, inner.value) };
}
