import type { Report } from "../report/report.ts";

/**
 * A report as one line of JSON, without wallSeconds: the same bytes whatever machine ran it, on
 * however many threads.
 */
export function storeReport(report: Report): string {
  return JSON.stringify(report, (key, value: unknown) => (key === "wallSeconds" ? undefined : value));
}

/** The report of a stored line, for everything but wallSeconds; undefined if it is not one of this version. */
export function readStoredReport(line: string): Report | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { version, normalizers } = (value ?? {}) as Partial<Report>;
  return version === 1 && Array.isArray(normalizers) ? (value as Report) : undefined;
}
