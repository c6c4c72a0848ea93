import * as z from "zod";
import { describe, type Finding, findingsOf, type Issue, issueMessage } from "./issues.ts";
import type { Quantity } from "./quantities.ts";

// Where a page forbids evaluated code, as a content security policy should, its probe for it would be reported.
z.config({ jitless: true });

export { z };

/** A number inside float32, no square of which overflows float64. */
export const real: z.ZodNumber = z.number().min(-1e30).max(1e30);

/** A map that refuses unknown keys. The message of that issue lists the keys it knows, for `findingsOf`. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(", ");
  const error = (issue: Issue) => (issue.code === "unrecognized_keys" ? known : undefined);
  return z.strictObject(shape, { error });
}

/** Text with a unit. `parse` says what is wrong with it. */
export function quantity(
  example: string,
  parse: (text: string) => Quantity,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const error = (issue: Issue) => `expected text such as ${example}, got ${describe(issue.input)}`;
  return z.string({ error }).transform((text, context): number => {
    const result = parse(text);
    if ("value" in result) return result.value;
    context.issues.push({ code: "custom", message: result.fault, input: text });
    return z.NEVER;
  });
}

/** A name that fits on a line of a report. */
export const name: z.ZodString = z
  .string()
  .regex(/^\P{Cc}{1,100}$/u, "expected 1 to 100 characters, none of them a control character");

/** Check a value against a schema: what it means, or what is wrong field by field. */
export function read<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly data?: T; readonly findings: Finding[] } {
  const error = (issue: Issue) => issueMessage(issue);
  const result = schema.safeParse(value, { reportInput: true, error });
  return result.success ? { data: result.data, findings: [] } : { findings: findingsOf(result.error.issues) };
}
