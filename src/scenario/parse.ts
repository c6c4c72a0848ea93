import { type Fault, ScenarioError } from "../errors.ts";
import { inconsistencies } from "./consistency.ts";
import { readDocument } from "./document.ts";
import { resolveScenario } from "./resolution.ts";
import type { Scenario } from "./scenario.ts";
import { readDraft } from "./schema.ts";
import { soundFields } from "./sound-fields.ts";

/**
 * Read a scenario from YAML or JSON text and fill in every default.
 *
 * `file` only names the text in faults. Files that the scenario names are not opened.
 *
 * @throws ScenarioError with every fault there is, in file order: also those between fields, as far
 *   as the fields are sound by themselves. Wrong YAML is reported alone.
 */
export function parseScenario(text: string, file: string): Scenario {
  const document = readDocument(text, file);
  const { draft, findings } = readDraft(document.value);
  const all = [...findings, ...inconsistencies(soundFields(document.value))];
  const faults = [
    ...document.faults,
    ...all.map(({ path, at, message }) => document.fault(path, at, message)),
  ].sort(byPlace);
  if (faults.length > 0 || draft === undefined) throw new ScenarioError(faults);
  return resolveScenario(draft);
}

function byPlace(a: Fault, b: Fault): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
