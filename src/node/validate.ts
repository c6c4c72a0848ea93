import { syncBatchNormValidation } from "../cost/estimate/validation.ts";
import type { SyncBatchNormRow } from "../cost/estimate/validation-row.ts";
import { collectiveValidation } from "../cost/nccl/collective-validation.ts";
import { leftOutErrors } from "../cost/nccl/correction-constants.ts";
import {
  errorOf,
  isInBand,
  summarize,
  type ValidationPoint,
  type ValidationSummary,
} from "../cost/validation.ts";
import { formatBytes, formatSeconds } from "../report/format.ts";
import { alignColumns } from "./columns.ts";

/** The options of `normsim validate`. */
export interface ValidateOptions {
  readonly json?: boolean;
}

/** Predict every published measurement that is shipped and print how far off each one is. */
export async function validate(options: ValidateOptions): Promise<void> {
  const collectives = collectiveValidation();
  const synchronizations = syncBatchNormValidation();
  if (options.json === true) {
    const points = collectives.map((point) => ({
      ...point,
      error: errorOf(point),
      isInBand: isInBand(point),
    }));
    const output = {
      collectives: { leftOutErrors, families: sortedSummaries(collectives), points },
      syncBatchNorm: synchronizations.map((row) => ({
        ...row,
        error: errorOf(row),
        isInBand: isInBand(row),
      })),
    };
    process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
    return;
  }
  const blocks = [
    "Collectives: size and error of each point, predicted / measured - 1; * is outside the 80 % band.",
    "",
    ...runs(collectives).map((points) => block(points, ({ label }) => formatBytes(Number(label)))),
    summaryTable(collectives),
    "",
    "Fitted points flatter. With the site left out of the fit and of the band:",
    leftOutTable(),
    "",
    "Steps with SyncBN, and the baselines under them; * is outside the band, ^ below an upper bound.",
    synchronizationTable(synchronizations),
  ];
  process.stdout.write(`${blocks.join("\n")}\n`);
}

function runs(points: readonly ValidationPoint[]): ValidationPoint[][] {
  const byRun = new Map<string, ValidationPoint[]>();
  for (const point of points) byRun.set(point.run, [...(byRun.get(point.run) ?? []), point]);
  return [...byRun.values()];
}

const pointsPerLine = 6;

/** One run: its name, where it is from, and its points, some a line. */
function block(points: readonly ValidationPoint[], labelOf: (point: ValidationPoint) => string): string {
  const [{ run, source, isFitted }] = points as [ValidationPoint];
  const cells = points.map((point) => {
    const error = errorOf(point);
    const sign = error < 0 ? "-" : "+";
    return `${labelOf(point)} ${sign}${Math.round(Math.abs(error) * 100)} %${isInBand(point) ? " " : "*"}`;
  });
  const lines: string[] = [];
  for (let i = 0; i < cells.length; i += pointsPerLine)
    lines.push(
      `  ${cells
        .slice(i, i + pointsPerLine)
        .map((cell) => cell.padStart(16))
        .join("")
        .trimEnd()}`,
    );
  return [`${run}${isFitted ? "" : " (not fitted)"}: ${source}`, ...lines, ""].join("\n");
}

function sortedSummaries(points: readonly ValidationPoint[]): ValidationSummary[] {
  return summarize(points).sort((a, b) => (a.family < b.family ? -1 : 1));
}

function summaryTable(points: readonly ValidationPoint[]): string {
  const rows = sortedSummaries(points).map(({ family, points: count, medianError, coverage }) => [
    family,
    String(count),
    percent(medianError),
    percent(coverage),
  ]);
  return alignColumns([["family", "points", "median error", "in the band"], ...rows], 1);
}

function leftOutTable(): string {
  const rows = leftOutErrors.map(({ family, rows: count, withoutSite, withoutCluster, fitted, coverage }) => [
    family,
    String(count),
    percent(withoutSite),
    percent(withoutCluster),
    percent(fitted),
    percent(coverage),
  ]);
  const head = ["family", "points", "without site", "without its cluster", "fitted", "in the band"];
  return alignColumns([head, ...rows], 1);
}

function synchronizationTable(rows: readonly SyncBatchNormRow[]): string {
  const cells = rows.map((row) => [
    `${row.run}: ${row.label}`,
    formatSeconds(row.measuredSeconds),
    formatSeconds(row.predictedSeconds),
    `${formatSeconds(row.lowSeconds)} to ${formatSeconds(row.highSeconds)}`,
    `${errorOf(row) < 0 ? "-" : "+"}${Math.round(Math.abs(errorOf(row)) * 100)} %${verdict(row)}`,
  ]);
  return alignColumns([["what", "measured", "predicted", "band", "error"], ...cells], 1);
}

/** An upper bound holds other costs too: the prediction has to stay below it. */
function verdict(row: SyncBatchNormRow): string {
  if (row.isUpperBound) return row.predictedSeconds <= row.measuredSeconds ? "^" : "*";
  return isInBand(row) ? " " : "*";
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
