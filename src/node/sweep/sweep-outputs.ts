import { closeSync, openSync, writeFileSync } from "node:fs";
import { ScenarioError } from "../../errors.ts";
import { readStoredReport } from "../../sweep/stored-report.ts";
import { type PointReport, sweepColumns, sweepCsv, sweepOverview } from "../../sweep/table.ts";
import { renderOverview } from "../terminal-table.ts";
import { terminalWidth } from "../terminal-text.ts";
import type { KeyedPoint } from "./sweep-points.ts";
import type { SweepResults } from "./sweep-run.ts";

/** Where the results of a sweep go, besides the table. */
export interface OutputOptions {
  readonly csv?: string;
  readonly parquet?: string;
  readonly ndjson?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * See that the files can be written, before hours of work depend on it.
 *
 * @throws ScenarioError with those that cannot.
 */
export function checkOutputs({ csv, parquet, ndjson }: OutputOptions): void {
  const faults = Object.entries({ csv, parquet, ndjson }).flatMap(([name, path]) => {
    if (path === undefined) return [];
    try {
      closeSync(openSync(path, "a"));
      return [];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return [{ file: `--${name} ${path}`, path: "", message: `cannot be written (${code})` }];
    }
  });
  if (faults.length > 0) throw new ScenarioError(faults);
}

/** Write what the options ask for, of the points that have a report, in the order of the grid. */
export async function writeOutputs(
  points: readonly KeyedPoint[],
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
  if (!hasTable && options.csv === undefined && options.parquet === undefined) return;
  const table = done.flatMap(({ key, values }): PointReport[] => {
    const report = readStoredReport(reports.get(key)!);
    return report === undefined ? [] : [{ values, report }];
  });
  if (options.csv !== undefined) writeFileSync(options.csv, sweepCsv(table));
  if (options.parquet !== undefined) {
    const { sweepParquet } = await import("./parquet.ts");
    writeFileSync(options.parquet, sweepParquet(sweepColumns(table)));
  }
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
