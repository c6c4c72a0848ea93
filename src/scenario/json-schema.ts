import { scenarioSchema } from "./schema.ts";

/** JSON Schema (draft 2020-12) of the scenario file, for editors: what may be written, with every default. */
export function scenarioJsonSchema(): object {
  return scenarioSchema.toJSONSchema({ io: "input" });
}
