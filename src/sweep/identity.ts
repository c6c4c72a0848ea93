import type { Scenario } from "../scenario/scenario.ts";

/** All that the report of a point depends on. */
export interface PointInputs {
  readonly scenario: Scenario;
  /** Content hash of each file that the scenario names; empty where it names none. */
  readonly files: Readonly<Record<string, string>>;
  /** Version of normsim: another one may compute other numbers. */
  readonly engine: string;
}

/** One text for equal inputs, however their keys are ordered; a point's key is its SHA-256. */
export function identityOf(inputs: PointInputs): string {
  return JSON.stringify(sorted(inputs));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
