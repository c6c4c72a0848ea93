import type { FailureRecord } from "../errors.ts";
import { failureTable } from "../report/failure.ts";
import { renderOverview } from "./terminal-table.ts";
import { widthMaximum, wrap } from "./terminal-text.ts";

/** What follows the message of a failed run: what every rank was doing, and where the like was seen. */
export function describeFailure(record: FailureRecord): string {
  const width = process.stderr.columns ?? widthMaximum;
  const table = record.states.length === 0 ? [] : ["", renderOverview(failureTable(record), width)];
  const seen = record.seenIn.length === 0 ? [] : ["", ...wrap(`seen in: ${record.seenIn.join(", ")}`, width)];
  return [...table, ...seen].map((line) => `${line}\n`).join("");
}
