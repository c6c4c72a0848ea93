#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { isSimulatorError } from "../errors.ts";
import { NpyError } from "../scenario/npy.ts";

/** Exit codes: 0 done, 1 the run failed, 2 bad input. */
const failed = 1;
const badInput = 2;

const examples = `
Examples:
  normsim run scenarios/quickstart.yaml
  normsim run - --json < my.yaml | jq .normalizers[0].divergence.outputMse
  normsim run my.yaml --dump out     # y, dx and gradients of every rank as .npy`;

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError("expected a whole number, 0 or more.");
  return value;
}

function version(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function program(): Command {
  const normsim = new Command("normsim")
    .description(
      "Simulates the statistics of distributed training: BatchNorm, SyncBN and LayerNorm with real numbers.",
    )
    .version(version())
    .addHelpText("after", examples)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) });
  normsim
    .command("run")
    .description(
      "run scenario files: what does each normaliser send, and how far is each rank from the whole batch?",
    )
    .argument("<scenario...>", "YAML or JSON files; '-' reads standard input")
    .option("--json", "write the report as JSON (an array if there are several scenarios)")
    .option("--out <folder>", "write report.json and report.txt into this folder")
    .option("--dump <folder>", "write y, dx, gradients and running statistics of the last step as .npy files")
    .option(
      "--threads <count>",
      "worker threads for the ranks; 0 runs in this process (default: the cores)",
      count,
    )
    .option("--seed <number>", "use this seed instead of the scenario's", count)
    .option("--quiet", "no progress and no table")
    .addHelpText("after", examples)
    .action(async (paths: string[], options: Record<string, never>) => {
      const { run } = await import("./run.ts");
      await run(paths, options);
    });
  normsim
    .command("list")
    .description("list what a scenario can name")
    .argument("<what>", "models, clusters, normalizers, collectives, implementations or scenarios")
    .action(async (what: string) => {
      const { list } = await import("./list.ts");
      process.stdout.write(list(what));
    });
  normsim
    .command("schema")
    .description("print the JSON Schema of the scenario file, for editors")
    .action(async () => {
      const { scenarioJsonSchema } = await import("../scenario/json-schema.ts");
      process.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
    });
  return normsim;
}

function exitCodeOf(error: unknown): number {
  if (isSimulatorError(error, "ScenarioError")) return badInput;
  if (
    error instanceof Error &&
    "exitCode" in error &&
    "code" in error &&
    String(error.code).startsWith("commander.")
  ) {
    return error.exitCode === 0 ? 0 : badInput;
  }
  return failed;
}

function report(error: unknown): void {
  const isCommander =
    error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
  if (isCommander) return; // it has written its own message
  if (isSimulatorError(error) || error instanceof NpyError) process.stderr.write(`${error.message}\n`);
  else
    process.stderr.write(
      `normsim failed, and should not have: ${error instanceof Error ? error.stack : error}\n`,
    );
}

// A reader that closes the pipe early (head) has what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await program().parseAsync();
} catch (error) {
  report(error);
  process.exitCode = exitCodeOf(error);
}
