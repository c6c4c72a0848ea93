import { type Fault, ScenarioError } from "../../errors.ts";
import { busFactor } from "../nccl/predict.ts";
import type { CollectiveOperation } from "../nccl/request.ts";

/** One row of nccl-tests' table, out of place or in place. */
export interface BenchmarkRow {
  readonly bytes: number;
  readonly seconds: number;
  /** As printed, GB/s (10^9): rounded to two decimals or three digits. */
  readonly algorithmBandwidth: number;
  readonly busBandwidth: number;
  /** Where it was written, counted from 1; absent in JSON. */
  readonly line?: number;
}

/** What one output of nccl-tests says of itself; what it does not say is undefined. */
export interface BenchmarkRun {
  readonly file: string;
  readonly operation: CollectiveOperation | undefined;
  readonly nodes: number | undefined;
  readonly ranks: number | undefined;
  /** Such as `NVIDIA A100-SXM4-40GB`. */
  readonly device: string | undefined;
  /** Such as `2.26`. */
  readonly ncclVersion: string | undefined;
  readonly rows: readonly BenchmarkRow[];
}

/** Fewer rows than this cannot tell start-up from bandwidth. */
const rowsMinimum = 4;
/** A warning of hundred rows is as good as one of ten. */
const faultsMaximum = 10;

const programs: readonly (readonly [string, CollectiveOperation])[] = [
  ["all_reduce", "all-reduce"],
  ["all_gather", "all-gather"],
  ["reduce_scatter", "reduce-scatter"],
  ["broadcast", "broadcast"],
];

/** The collective of a program's name, `all_reduce_perf`; undefined for those that are not modelled. */
export function operationOfProgram(text: string): CollectiveOperation | undefined {
  return programs.find(([program]) => text.includes(`${program}_perf`))?.[1];
}

/** `2.26` of the number 22603 that NCCL gives itself; before 2.9 it wrote 2804. */
export function versionOfCode(code: number): string | undefined {
  const minor = code >= 10_000 ? Math.floor(code / 100) % 100 : Math.floor(code / 100) % 10;
  const isSound = Number.isInteger(code) && code >= 2000 && code < 30_000;
  return isSound ? `2.${minor}` : undefined;
}

/**
 * Refuse what cannot have been measured.
 *
 * @throws ScenarioError naming up to ten rows: times that are not positive, bandwidths that are not size over
 *   time, too few rows.
 */
export function checkRun(run: BenchmarkRun): void {
  const faults = run.rows.flatMap((row) => rowFaults(run, row));
  if (faults.length > 0) throw new ScenarioError(faults.slice(0, faultsMaximum));
  const sizes = new Set(run.rows.map(({ bytes }) => bytes)).size;
  if (sizes < rowsMinimum) {
    const message = `expected rows of nccl-tests of at least ${rowsMinimum} sizes, got ${sizes}`;
    throw new ScenarioError([{ file: run.file, path: "", message }]);
  }
}

function rowFaults(run: BenchmarkRun, row: BenchmarkRow): Fault[] {
  const { bytes, seconds, algorithmBandwidth, busBandwidth, line } = row;
  const fault = (message: string): Fault[] => [
    { file: run.file, ...(line !== undefined && { line }), path: `${bytes} B`, message },
  ];
  if (!(seconds > 0 && Number.isFinite(seconds)))
    return fault(`expected a time above 0, got ${Number((seconds * 1e6).toPrecision(6))} us`);
  const fromTime = bytes / seconds / 1e9;
  if (!isNear(algorithmBandwidth, fromTime))
    return fault(`algbw ${algorithmBandwidth} GB/s is not size over time, ${digits(fromTime)} GB/s`);
  if (run.operation === undefined || run.ranks === undefined) return [];
  const fromRanks = fromTime * busFactor(run.operation, run.ranks);
  return isNear(busBandwidth, fromRanks)
    ? []
    : fault(
        `busbw ${busBandwidth} GB/s is not what ${run.operation} on ${run.ranks} ranks makes of size and time, ` +
          `${digits(fromRanks)} GB/s`,
      );
}

/** Printed with two decimals, and times with four digits or so: 2 % and a little. */
function isNear(printed: number, computed: number): boolean {
  return Math.abs(printed - computed) <= 0.02 * computed + 0.011;
}

function digits(value: number): number {
  return Number(value.toPrecision(4));
}
