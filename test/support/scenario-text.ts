import { formatFault, ScenarioError } from "../../src/errors.ts";
import { parseScenario } from "../../src/scenario/parse.ts";

/** A sound scenario of four ranks, line by line. */
export const base: readonly string[] = [
  "name: four ranks",
  "mesh: { data: 4 }",
  "data:",
  "  source: gaussian",
  "  samples: 2",
  "  channels: 3",
  "normalizers:",
  "  - { name: BN, type: batch-norm, group: 2 }",
  "  - { name: LN, type: layer-norm }",
];

/** The base scenario with some lines, counted from 1, written differently; line 10 is appended. */
export function written(lines: Readonly<Record<number, string>>): string {
  const text = [...base];
  for (const [line, content] of Object.entries(lines)) text[Number(line) - 1] = content;
  return text.join("\n");
}

/** The faults of a text called scenario.yaml, each on one line without that name; none if it parses. */
export function faultsOf(text: string): string[] {
  try {
    parseScenario(text, "scenario.yaml");
  } catch (error) {
    if (error instanceof ScenarioError)
      return error.faults.map((fault) => formatFault(fault).replace("scenario.yaml:", ""));
    throw error;
  }
  return [];
}
