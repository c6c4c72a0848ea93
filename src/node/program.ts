import { Command, InvalidArgumentError } from "commander";
import { collectiveExamples, estimateExamples, examples, importExamples, sweepExamples } from "./examples.ts";
import { engineVersion } from "./sweep/engine-version.ts";

/** Reads a whole number from a least one up to, not including, a limit. */
function wholeNumber(limit: number, what: string, least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value < limit) return value;
    throw new InvalidArgumentError(`expected ${what}.`);
  };
}

/** Below one in 100 s a sweep, which gives up after 600 s of silence, would wait in vain for its workers. */
function jobRate(text: string): number {
  const value = Number(text);
  if (value >= 0.01 && value <= 1000) return value;
  throw new InvalidArgumentError("expected jobs a second, 0.01 to 1000.");
}

const count = wholeNumber(Number.POSITIVE_INFINITY, "a whole number, 0 or more");
const atLeastOne = wholeNumber(Number.POSITIVE_INFINITY, "a whole number, 1 or more", 1);
const seed = wholeNumber(2 ** 32, "a seed, a whole number below 2^32");
const port = wholeNumber(65_536, "a port, 0 to 65535");

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** The command line of normsim. Each command loads what it needs when it runs. */
export function createProgram(): Command {
  const program = new Command("normsim")
    .description(
      "Simulates the statistics of distributed training: BatchNorm, SyncBN and LayerNorm with real numbers.",
    )
    .version(engineVersion)
    .addHelpText("after", examples)
    .exitOverride();
  addRun(program);
  addSweep(program);
  addWorker(program);
  addExplain(program);
  addEstimate(program);
  addImport(program);
  addCollective(program);
  addCalibrate(program);
  addValidate(program);
  addList(program);
  addSchema(program);
  addServe(program);
  return program;
}

function addRun(program: Command): void {
  program
    .command("run")
    .description(
      "run scenario files: what does each normaliser send, and how far is each rank from the whole batch?",
    )
    .argument("<scenario...>", "YAML or JSON files; '-' reads standard input")
    .option("--json", "write the report as JSON (an array if there are several scenarios)")
    .option("--out <folder>", "write report.json and report.txt into this folder")
    .option("--trace <file>", "write every message on the scenario's cluster as a Chrome trace, for Perfetto")
    .option("--html <file>", "write a page with charts: one file that loads nothing")
    .option("--dump <folder>", "write y, dx, gradients and running statistics of the last step as .npy files")
    .option(
      "--threads <count>",
      "worker threads for the ranks; 0 runs in this process (default: the cores)",
      count,
    )
    .option("--redis <url>", "run the ranks by the workers of this Redis, in blocks")
    .option("--blocks <count>", "with --redis: blocks of whole data ranks (default: 8)", atLeastOne)
    .option("--seed <number>", "use this seed instead of the scenario's", seed)
    .option("--fail-if <condition>", "exit 3 if it holds, such as 'divergence.outputMse.mean > 0.1'")
    .option("--quiet", "no progress and no table")
    .addHelpText("after", examples)
    .action(async (paths: string[], options) => {
      const { runCommand } = await import("./run-command.ts");
      process.exitCode = await runCommand(paths, options);
    });
}

function addSweep(program: Command): void {
  program
    .command("sweep")
    .description("run a scenario once for every point of a grid, here or on many machines")
    .argument("<scenario>", "YAML or JSON file, which may hold a matrix; '-' reads standard input")
    .option("--set <path=values>", "one axis of the grid, such as data.samples=1,2,4; repeatable", collect)
    .option("--redis <url>", "run the points by the workers of this Redis (rediss:// for TLS)")
    .option("--csv <file>", "write every figure, one row per point and normaliser")
    .option("--parquet <file>", "write the same as Parquet, for DuckDB, pandas or Polars")
    .option("--ndjson <file>", "write the reports, one line per point")
    .option("--html <file>", "write a page with charts: one file that loads nothing")
    .option("--json", "write the reports as a JSON array instead of the table")
    .option("--resume [folder]", "keep results there and run only what is missing (default: normsim-sweep)")
    .option("--fail-if <condition>", "exit 3 if it holds, such as 'divergence.outputMse.mean > 0.1'")
    .option("--threads <count>", "points at once; 0 runs in this process (default: the cores)", count)
    .option("--quiet", "no progress and no table")
    .addHelpText("after", sweepExamples)
    .action(async (path: string, options) => {
      const { sweep } = await import("./sweep/sweep.ts");
      process.exitCode = await sweep(path, options);
    });
}

function addWorker(program: Command): void {
  program
    .command("worker")
    .description("run points of sweeps and blocks of runs from a queue until SIGTERM, on any machine")
    .requiredOption("--redis <url>", "redis://[user:password@]host[:port][/database], rediss:// for TLS")
    .option("--threads <count>", "jobs at once (default: the cores)", count)
    .option("--rate <count>", "jobs begun a second, by all workers of the queue together", jobRate)
    .option("--quiet", "no progress")
    .action(async (options) => {
      const { worker } = await import("./sweep/worker.ts");
      await worker(options);
    });
}

function addExplain(program: Command): void {
  program
    .command("explain")
    .description("why does a normaliser communicate, or not? the rule, a worked example, and a measurement")
    .argument("[normalizer...]", "such as layer-norm or SyncBN (default: five that contrast)")
    .option("--mesh <axes>", "ranks along each axis, such as data=4,tensor=1,sequence=1", "data=4")
    .option("--json", "write the rule and the dependency of ranks as JSON")
    .option("--html <file>", "write a page with charts: one file that loads nothing")
    .option("--ascii", "no character beyond ASCII")
    .action(async (normalizers: string[], options) => {
      const { explain } = await import("./explain.ts");
      await explain(normalizers, options);
    });
}

function addEstimate(program: Command): void {
  program
    .command("estimate")
    .description("what will SyncBN cost a model on a cluster, and what does each group size buy?")
    .requiredOption("--model <name|file>", "see normsim list models; or layers from normsim import")
    .requiredOption("--cluster <name|file>", "a preset (normsim list clusters) or a cluster file")
    .requiredOption("--gpus <count>", "data-parallel ranks")
    .requiredOption("--microbatch <count>", "samples on each GPU")
    .option("--precision <name>", "fp32, tf32 or amp")
    .option("--implementation <name>", "framework profile (normsim list implementations)")
    .option("--group <ranks>", "a number, node or world")
    .option("--step-time <duration>", "your own measured step without SyncBN, such as 120ms")
    .option("--nccl <version>", "NCCL's version")
    .option("--trace <file>", "write the step's timeline as a Chrome trace, for Perfetto")
    .option("--html <file>", "write a page with charts: one file that loads nothing")
    .option("--json", "write the estimate as JSON")
    .addHelpText("after", estimateExamples)
    .action(async (options) => {
      const { estimate } = await import("./estimate.ts");
      await estimate(options);
    });
}

function addImport(program: Command): void {
  program
    .command("import")
    .description("read the layers of an ONNX model, or the batch norms of safetensors, without the weights")
    .argument("<file>", "model.onnx or model.safetensors")
    .option("--layer <name>", "print a scenario of that batch norm for normsim run, instead of the layers")
    .option("--gpus <count>", "ranks of the scenario", "8")
    .option("--microbatch <count>", "samples on each rank of the scenario", "4")
    .option("--positions <count>", "positions of the layer, where the file does not say")
    .addHelpText("after", importExamples)
    .action(async (file: string, options) => {
      const { importModel } = await import("./import.ts");
      importModel(file, options);
    });
}

function addCollective(program: Command): void {
  program
    .command("collective")
    .description("predict NCCL's time for a collective, in nccl-tests' columns, with an 80 % band")
    .argument("<operation>", "all-reduce, all-gather, reduce-scatter or broadcast")
    .requiredOption("--cluster <name|file>", "a preset (normsim list clusters) or a cluster file")
    .requiredOption("--bytes <sizes>", "sizes between commas, as nccl-tests counts them: 8KiB,1MiB")
    .option("--nodes <count>", "nodes (default: 1)")
    .option("--gpus-per-node <count>", "GPUs on each node (default: all of the cluster's)")
    .option("--nccl <version>", "NCCL's version")
    .option("--json", "write the rows as JSON")
    .addHelpText("after", collectiveExamples)
    .action(async (operation: string, options) => {
      const { collective } = await import("./collective.ts");
      await collective(operation, options);
    });
}

function addCalibrate(program: Command): void {
  program
    .command("calibrate")
    .description(
      "fit a cluster file to your own nccl-tests outputs (text or -J JSON) and print it with residuals",
    )
    .argument("<output...>", "files that nccl-tests wrote")
    .option("--cluster <name|file>", "what to start from (default: the DGX of the GPU that the output names)")
    .option("--nodes <count>", "nodes, where the output does not say")
    .option("--gpus-per-node <count>", "GPUs on each node, where the output does not say")
    .action(async (files: string[], options) => {
      const { calibrate } = await import("./calibrate.ts");
      await calibrate(files, options);
    });
}

function addValidate(program: Command): void {
  program
    .command("validate")
    .description("predict every published measurement that is shipped and print the error of each")
    .option("--json", "write the points as JSON")
    .action(async (options) => {
      const { validate } = await import("./validate.ts");
      await validate(options);
    });
}

function addList(program: Command): void {
  program
    .command("list")
    .description("list what a scenario or an option can name")
    .argument("<what>", "models, clusters, normalizers, collectives, implementations or scenarios")
    .action(async (what: string) => {
      const { list } = await import("./list.ts");
      process.stdout.write(list(what));
    });
}

function addSchema(program: Command): void {
  program
    .command("schema")
    .description("print the JSON Schema of the scenario file, for editors")
    .action(async () => {
      const { scenarioJsonSchema } = await import("../scenario/json-schema.ts");
      process.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
    });
}

function addServe(program: Command): void {
  program
    .command("serve")
    .description("serve the page, where scenarios run in the browser, until SIGINT")
    .option("--port <number>", "0: any that is free", port, 8437)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .action(async (options) => {
      const { serve } = await import("./serve.ts");
      process.exitCode = await serve(options);
    });
}
