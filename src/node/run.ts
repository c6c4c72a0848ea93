import { mkdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Host } from "../engine/host.ts";
import { ScenarioError } from "../errors.ts";
import { comparisonLegend, comparisonOf } from "../report/comparison.ts";
import { stragglerNote } from "../report/failure.ts";
import { findingOf } from "../report/finding.ts";
import { legendOf, overviewOf } from "../report/overview.ts";
import { type Report, reportOf } from "../report/report.ts";
import { warningsOf } from "../report/warnings.ts";
import { isFileSource } from "../scenario/data-source.ts";
import { measure } from "../simulate.ts";
import { failIf, parseCondition } from "../sweep/condition.ts";
import { dumpPass, slug } from "./dump.ts";
import { checkWritable } from "./files.ts";
import { readScenario, type ScenarioInput } from "./scenario-files.ts";
import { StatusLine } from "./status-line.ts";
import { renderOverview } from "./terminal-table.ts";
import { terminalWidth, widthMaximum, wrap } from "./terminal-text.ts";

/** The options of `normsim run`. */
export interface RunOptions {
  readonly json?: boolean;
  readonly out?: string;
  readonly dump?: string;
  readonly trace?: string;
  /** File for a page with charts. */
  readonly html?: string;
  /** 0: in this process. */
  readonly threads?: number;
  /** Run the ranks by the workers of this Redis, not here. */
  readonly redis?: string;
  /** Of ranks, with redis. */
  readonly blocks?: number;
  readonly seed?: number;
  readonly failIf?: string;
  readonly quiet?: boolean;
}

/** Makes the host of a scenario's run. `onNote` hears what is worth knowing meanwhile. */
export type NewHost = (path: string, input: ScenarioInput, onNote: (note: string) => void) => Host;

/** Exit codes: done, and a condition holds. */
const done = 0;
const conditionHolds = 3;

/**
 * Run scenario files one after the other, each on a host of its own, and write what the options ask for.
 *
 * @returns the exit code: 0, or 3 if `failIf` holds for a report.
 */
export async function run(paths: readonly string[], options: RunOptions, newHost: NewHost): Promise<number> {
  const condition = options.failIf === undefined ? null : parseCondition(options.failIf);
  // Every file is checked before the first one runs.
  const inputs = await Promise.all(paths.map(readScenario));
  if (options.dump !== undefined) refuseDump(inputs, options);
  refuseIdleOptions(options);
  const isOneOfMany = inputs.length > 1;
  checkWritable({
    html:
      options.html === undefined ? undefined : fileOf(options.html, isOneOfMany, inputs[0]!.scenario.name),
  });
  const reports: Report[] = [];
  for (const [index, input] of inputs.entries()) {
    const report = await runOne(paths[index]!, withSeed(input, options.seed), options, isOneOfMany, newHost);
    reports.push(report);
    if (options.json !== true && options.quiet !== true)
      process.stdout.write(`${describe(report, terminalWidth())}\n`);
  }
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)}\n`);
  }
  const findings = condition === null ? [] : reports.flatMap((report) => failIf(condition, report).findings);
  for (const finding of findings) process.stderr.write(`${finding}\n`);
  return findings.length > 0 ? conditionHolds : done;
}

/** An option that would do nothing is a mistake. */
function refuseIdleOptions({ redis, blocks, threads }: RunOptions): void {
  const refuse = (option: string, message: string): never => {
    throw new ScenarioError([{ file: option, path: "", message }]);
  };
  if (redis === undefined && blocks !== undefined) refuse("--blocks", "expected --redis beside it");
  if (redis !== undefined && threads !== undefined)
    refuse("--threads", "expected no --redis beside it, whose workers have threads of their own");
}

function refuseDump(inputs: readonly ScenarioInput[], { redis }: RunOptions): void {
  const faults = inputs.flatMap(({ scenario: { name, training, data } }) => {
    const refuse = (path: string, what: string) => {
      const message = `expected ${what} beside --dump, which writes the arrays of a single pass`;
      return [{ file: name, path, message }];
    };
    if (redis !== undefined) return refuse("", "no --redis");
    if (training !== null) return refuse("training", "no training");
    return data.source === "moments" ? refuse("data.source", "activations, not their moments,") : [];
  });
  if (faults.length > 0) throw new ScenarioError(faults);
}

function withSeed(input: ScenarioInput, seed: number | undefined): ScenarioInput {
  return seed === undefined ? input : { ...input, scenario: { ...input.scenario, seed } };
}

async function runOne(
  path: string,
  input: ScenarioInput,
  options: RunOptions,
  isOneOfMany: boolean,
  newHost: NewHost,
): Promise<Report> {
  const { scenario, batches, text } = input;
  const progress = new StatusLine(process.stderr, { onTerminal: 200, elsewhere: 1000 });
  const { dump, quiet, html, trace, seed } = options;
  const page = html === undefined ? null : new (await import("./run-page.ts")).RunPageFile(scenario);
  const host = newHost(path, input, (note) => {
    if (quiet !== true && note !== "") progress.show(() => note);
  });
  const folder = (root: string): string => (isOneOfMany ? join(root, slug(scenario.name)) : root);
  const positionExtents =
    batches?.positionExtents ?? (isFileSource(scenario.data) ? [] : scenario.data.positions);
  const unit = scenario.training === null ? "passes" : "training steps";
  const lastStep = scenario.trainingSteps - 1;
  try {
    const simulation = await measure(scenario, {
      host,
      ...(batches === null ? {} : { batches }),
      ...(quiet === true
        ? {}
        : { onProgress: (done, total, what) => progress.show(() => `${done} of ${total} ${unit}, ${what}`) }),
      onPass(pass) {
        page?.observe(pass);
        if (dump !== undefined && pass.trainingStep === lastStep && pass.isLastOfStep)
          dumpPass(folder(dump), pass, scenario, positionExtents);
      },
    });
    const report = reportOf(simulation);
    const note = stragglerNote(scenario.faults, simulation.awaitedSeconds);
    if (note !== null && quiet !== true) process.stderr.write(`${note}\n`);
    if (trace !== undefined) {
      const { traceOfSimulation } = await import("../cost/trace/run-trace.ts");
      const file = fileOf(trace, isOneOfMany, scenario.name);
      writeFileSync(file, `${JSON.stringify(traceOfSimulation(simulation))}\n`);
    }
    if (html !== undefined)
      page?.write(fileOf(html, isOneOfMany, scenario.name), simulation, { path, seed, written: text });
    if (options.out !== undefined) writeReport(folder(options.out), report);
    return report;
  } finally {
    progress.clear();
  }
}

/** Files of several scenarios are one each: its name goes before the extension. */
function fileOf(path: string, isOneOfMany: boolean, name: string): string {
  const extension = extname(path);
  return isOneOfMany ? `${path.slice(0, path.length - extension.length)}-${slug(name)}${extension}` : path;
}

function writeReport(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, "report.txt"), `${describe(report, widthMaximum)}\n`);
}

/** The report for a person: heading, table, finding, warnings, legend. */
export function describe(report: Report, width: number): string {
  const overview = overviewOf(report);
  return [
    ...wrap(overview.heading, width),
    "",
    renderOverview(overview, width),
    "",
    ...wrap(findingOf(report), width),
    ...warningsOf(report).flatMap((warning) => wrap(`note: ${warning}`, width)),
    "",
    ...legendOf(report).flatMap((line) => wrap(line, width)),
    ...describeComparison(report, width),
  ].join("\n");
}

function describeComparison(report: Report, width: number): string[] {
  const comparison = comparisonOf(report);
  if (comparison === null) return [];
  const reasons = comparison.reasons.flatMap((reason) => wrap(reason, width));
  return [
    "",
    renderOverview(comparison, width),
    ...(reasons.length === 0 ? [] : ["", ...reasons]),
    "",
    ...wrap(comparisonLegend, width),
  ];
}
