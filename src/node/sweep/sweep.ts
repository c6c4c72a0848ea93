import { availableParallelism } from "node:os";
import { type Condition, failIf, parseCondition } from "../../sweep/condition.ts";
import { describePoint } from "../../sweep/points.ts";
import { readStoredReport } from "../../sweep/stored-report.ts";
import { checkWritable } from "../files.ts";
import { localExecutor } from "./local-executor.ts";
import { inThisProcess, pointPool } from "./point-pool.ts";
import { ProgressBar } from "./progress-bar.ts";
import { ResultStore } from "./result-store.ts";
import { type OutputOptions, writeOutputs } from "./sweep-outputs.ts";
import { type KeyedPoint, readSweep, type SweepInput } from "./sweep-points.ts";
import type { PointExecutor, ResultSink, SweepResults } from "./sweep-run.ts";

/** The options of `normsim sweep`. */
export interface SweepOptions extends OutputOptions {
  /** `path=value,value`, one for each axis of the grid. */
  readonly set?: readonly string[];
  /** Run the points by the workers of this Redis, not here. */
  readonly redis?: string;
  /** Keep results in this folder, and run only what is missing there; true: in `normsim-sweep`. */
  readonly resume?: string | true;
  readonly failIf?: string;
  /** Points that run here at once; 0: one after the other in this process. Default: the cores. */
  readonly threads?: number;
}

/** How a sweep ended; 130 is the convention for SIGINT. */
const exitCodes = { done: 0, failed: 1, conditionHolds: 3, interrupted: 130 } as const;

const defaultFolder = "normsim-sweep";

/**
 * Run a scenario once for every point of a grid and write what the options ask for.
 *
 * @returns the exit code: 0; 1 if a point failed; 3 if `failIf` holds at a point; 130 if SIGINT ended it.
 * @throws ScenarioError before anything runs if a point is not sound; QueueError if Redis fails.
 */
export async function sweep(path: string, options: SweepOptions): Promise<number> {
  const condition = options.failIf === undefined ? null : parseCondition(options.failIf);
  const input = await readSweep(path, options.set ?? []);
  const store =
    options.resume === undefined
      ? null
      : new ResultStore(options.resume === true ? defaultFolder : options.resume);
  const { csv, parquet, ndjson, html } = options;
  checkWritable({ csv, parquet, ndjson, html });
  const execute = await executorFor(input, options);
  const run = new SweepRun(input.points, store, condition, options.quiet === true);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt);
  try {
    await execute(run.missing, run, interruption.signal);
  } finally {
    process.removeListener("SIGINT", interrupt);
    run.bar.clear();
    // Also after a failure: what is done was paid for.
    await writeOutputs(
      input,
      ["sweep", path, ...(options.set ?? []).flatMap((set) => ["--set", set])],
      run,
      options,
    );
  }
  return conclude(run, interruption.signal.aborted, store !== null);
}

async function executorFor({ files }: SweepInput, options: SweepOptions): Promise<PointExecutor> {
  if (options.redis !== undefined) {
    const { queueExecutor } = await import("./queue-executor.ts");
    return await queueExecutor(options.redis, files);
  }
  const threads = options.threads ?? availableParallelism();
  return localExecutor(threads === 0 ? inThisProcess : pointPool(threads), files);
}

/** The state of a sweep: results so far, and what the user is told of them. */
class SweepRun implements SweepResults, ResultSink {
  readonly reports = new Map<string, string>();
  readonly failures = new Map<string, string>();
  /** Sentences about points at which the condition holds. */
  readonly findings: string[] = [];
  /** One point for each key that has no report yet. */
  readonly missing: readonly KeyedPoint[];
  readonly total: number;
  readonly bar: ProgressBar;
  readonly #isQuiet: boolean;
  readonly #store: ResultStore | null;
  readonly #condition: Condition | null;

  constructor(
    points: readonly KeyedPoint[],
    store: ResultStore | null,
    condition: Condition | null,
    isQuiet: boolean,
  ) {
    this.#store = store;
    this.#condition = condition;
    this.#isQuiet = isQuiet;
    const unique = new Map(points.map((point) => [point.key, point]));
    this.total = unique.size;
    this.bar = new ProgressBar(process.stderr, this.total);
    for (const point of unique.values()) {
      const stored = store?.get(point.key);
      if (stored !== undefined) this.#accept(point, stored);
    }
    this.missing = [...unique.values()].filter(({ key }) => !this.reports.has(key));
  }

  report(point: KeyedPoint, report: string): void {
    this.#store?.set(point.key, report);
    this.#accept(point, report);
    this.progress("");
  }

  failure(point: KeyedPoint, reason: string): void {
    this.failures.set(point.key, reason);
    process.stderr.write(`${describePoint(point.values)}: ${reason}\n`);
    this.progress("");
  }

  progress(note: string): void {
    if (!this.#isQuiet) this.bar.show(this.reports.size + this.failures.size, note);
  }

  #accept({ key, values }: KeyedPoint, text: string): void {
    this.reports.set(key, text);
    const report = this.#condition === null ? undefined : readStoredReport(text);
    if (this.#condition === null || report === undefined) return;
    const { findings } = failIf(this.#condition, report);
    this.findings.push(...findings.map((finding) => `${describePoint(values)}: ${finding}`));
  }
}

/** Say what a person has to know besides the results, and give the exit code. */
function conclude(run: SweepRun, isInterrupted: boolean, isStored: boolean): number {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  for (const finding of run.findings) say(`fail-if: ${finding}`);
  if (isInterrupted) {
    const kept = isStored ? "kept; the same command runs the rest" : "shown; --resume would keep them";
    say(`interrupted: the ${run.reports.size} of ${run.total} points that are done are ${kept}`);
    return exitCodes.interrupted;
  }
  if (run.failures.size > 0) {
    say(`${run.failures.size} of ${run.total} points failed`);
    return exitCodes.failed;
  }
  return run.findings.length > 0 ? exitCodes.conditionHolds : exitCodes.done;
}
