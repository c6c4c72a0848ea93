import { parseScenario } from "../../src/scenario/parse.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";

/** A scenario from plain data, with every default filled in as for a file. */
export function scenarioFrom(fields: Record<string, unknown>): Scenario {
  return parseScenario(JSON.stringify({ name: "test", ...fields }), "test.json");
}
