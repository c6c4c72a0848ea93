import type { KeyedPoint } from "./sweep-points.ts";

/** What became of the points of a sweep: a report or a reason by key; a point that is in neither was not run. */
export interface SweepResults {
  /** As `storeReport` writes them. */
  readonly reports: ReadonlyMap<string, string>;
  readonly failures: ReadonlyMap<string, string>;
}

/** Takes results as they come. */
export interface ResultSink {
  report(point: KeyedPoint, report: string): void;
  failure(point: KeyedPoint, reason: string): void;
  /** Time has passed. `note` says what is worth knowing meanwhile; it may be empty. */
  progress(note: string): void;
}

/** Runs points, in any order, until each has a report or a failure, or until the signal aborts it. */
export type PointExecutor = (
  points: readonly KeyedPoint[],
  sink: ResultSink,
  signal: AbortSignal,
) => Promise<void>;
