import { type Overview, overviewOf } from "../report/overview.ts";
import type { Report } from "../report/report.ts";
import { type Figure, figuresOf } from "./figures.ts";
import { formatValue, type Point } from "./points.ts";

/** A point that has run. */
export interface PointReport {
  readonly values: Point["values"];
  readonly report: Report;
}

/** Longest cell of a table that is not a figure. */
const cellMaximum = 24;

/**
 * The overview of a sweep: one row per point and normaliser, the values of the grid first, or the
 * point's number from 1. They stand in the first row of a point and are blank in its others.
 */
export function sweepOverview(points: readonly PointReport[], first: "values" | "number"): Overview {
  const overviews = points.map(({ report }) => overviewOf(report));
  const paths = first === "number" ? ["point"] : Object.keys(points[0]?.values ?? {});
  return {
    heading: "",
    columns: [
      ...paths.map((path) => ({ title: shortened(path), isNumeric: false, dispensability: 0 })),
      ...(overviews[0]?.columns ?? []),
    ],
    rows: points.flatMap(({ values }, index) => {
      const cells = first === "number" ? [index + 1] : Object.values(values);
      return overviews[index]!.rows.map(([name, ...figures], row) => [
        ...cells.map((cell) => (row === 0 ? shortened(formatValue(cell)) : "")),
        shortened(name!),
        ...figures,
      ]);
    }),
  };
}

/** The end of a path or a name says more than its beginning. */
function shortened(text: string): string {
  return text.length <= cellMaximum ? text : `…${text.slice(1 - cellMaximum)}`;
}

/** One column of a sweep's figures, one value per point and normaliser; null is not known, or not finite. */
export interface SweepColumn {
  readonly name: string;
  readonly values: readonly Figure[];
}

/** Every figure of a sweep: the values of the grid first (lists as text), then those of the reports. */
export function sweepColumns(points: readonly PointReport[]): SweepColumn[] {
  const rows = points.flatMap(({ values, report }) =>
    report.normalizers.map((normalizer) => ({ values, figures: figuresOf(normalizer) })),
  );
  const axes = Object.keys(points[0]?.values ?? {}).map((name) => ({
    name,
    values: rows.map(({ values }) => figureOfAxis(values[name])),
  }));
  const names = new Set(rows.flatMap(({ figures }) => [...figures.keys()]));
  const figures = [...names].map((name) => ({
    name,
    values: rows.map((row) => row.figures.get(name) ?? null),
  }));
  return [...axes, ...figures];
}

function figureOfAxis(value: unknown): Figure {
  return typeof value === "number" || typeof value === "boolean" ? value : formatValue(value);
}

/**
 * A sweep as CSV (RFC 4180: CRLF, quotes where needed): a heading, then one row per point and
 * normaliser with every figure of the report; an empty field is not known, or not finite.
 */
export function sweepCsv(points: readonly PointReport[]): string {
  const columns = sweepColumns(points);
  const rows = (columns[0]?.values ?? []).map((_, row) =>
    columns.map(({ values }) => String(values[row] ?? "")),
  );
  return [columns.map(({ name }) => name), ...rows]
    .map((line) => `${line.map(quoted).join(",")}\r\n`)
    .join("");
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
