import { writeFileSync } from "node:fs";
import { readStoredReport } from "../../sweep/stored-report.ts";
import { sweepPage } from "../../sweep/sweep-page.ts";
import { type PointReport, sweepColumns, sweepCsv, sweepOverview } from "../../sweep/table.ts";
import { writeHtml } from "../html.ts";
import { renderOverview } from "../terminal-table.ts";
import { terminalWidth } from "../terminal-text.ts";
import type { SweepInput } from "./sweep-points.ts";
import type { SweepResults } from "./sweep-run.ts";

/** Where the results of a sweep go, besides the table. */
export interface OutputOptions {
  readonly csv?: string;
  readonly parquet?: string;
  readonly ndjson?: string;
  readonly json?: boolean;
  /** File for a page with charts. */
  readonly html?: string;
  readonly quiet?: boolean;
}

/**
 * Write what the options ask for, of the points that have a report, in the order of the grid.
 *
 * @param args of the command that runs the same grid.
 */
export async function writeOutputs(
  { points, text }: SweepInput,
  args: readonly string[],
  { reports }: SweepResults,
  options: OutputOptions,
): Promise<void> {
  const done = points.filter(({ key }) => reports.has(key));
  const lines = done.map(
    ({ key, values }) => `{"key":"${key}","values":${JSON.stringify(values)},"report":${reports.get(key)}}`,
  );
  if (options.ndjson !== undefined) writeFileSync(options.ndjson, lines.map((line) => `${line}\n`).join(""));
  if (options.json === true) process.stdout.write(`[${lines.join(",\n")}]\n`);
  const hasTable = options.json !== true && options.quiet !== true;
  const { csv, parquet, html } = options;
  if (!hasTable && csv === undefined && parquet === undefined && html === undefined) return;
  const table = done.flatMap(({ key, values }): PointReport[] => {
    const report = readStoredReport(reports.get(key)!);
    return report === undefined ? [] : [{ values, report }];
  });
  if (csv !== undefined) writeFileSync(csv, sweepCsv(table));
  if (parquet !== undefined) {
    const { sweepParquet } = await import("./parquet.ts");
    writeFileSync(parquet, sweepParquet(sweepColumns(table)));
  }
  if (html !== undefined && table.length > 0)
    writeHtml(html, args, (origin, digest) => sweepPage({ points: table, written: text, origin }, digest));
  if (hasTable && table.length > 0) {
    const width = terminalWidth();
    process.stdout.write(`${renderSweep(table, width)}\n`);
  }
}

/** The table of a sweep; where the values of the grid leave no room for a figure, points are numbered. */
export function renderSweep(points: readonly PointReport[], width: number): string {
  const table = renderOverview(sweepOverview(points, "values"), width);
  if (table.split("\n").every((line) => line.length <= width)) return table;
  const note = "point: counted in the order of the grid; --csv, --parquet and --ndjson have its values";
  return `${renderOverview(sweepOverview(points, "number"), width)}\n\n${note}`;
}
