#!/usr/bin/env node
import { isSimulatorError } from "../errors.ts";
import { createProgram } from "./program.ts";

/** Exit codes: 0 done, 1 the run failed, 2 bad input. */
const failed = 1;
const badInput = 2;

/** Whether commander threw this, having written its own message; its code is 0 for --help and --version. */
function commanderExitCode(error: unknown): number | null {
  if (!(error instanceof Error && "code" in error && "exitCode" in error)) return null;
  return String(error.code).startsWith("commander.") ? Number(error.exitCode) : null;
}

/** Say what went wrong, unless commander has; return the exit code. */
async function report(error: unknown): Promise<number> {
  const commander = commanderExitCode(error);
  if (commander !== null) return commander === 0 ? 0 : badInput;
  if (isSimulatorError(error)) {
    process.stderr.write(`${error.message}\n`);
    if (error.name === "RankError") {
      const { describeFailure } = await import("./failure.ts");
      process.stderr.write(describeFailure(error.record));
    }
    return error.name === "ScenarioError" ? badInput : failed;
  }
  process.stderr.write(
    `normsim failed, and should not have: ${error instanceof Error ? error.stack : error}\n`,
  );
  return failed;
}

// A reader that closes the pipe early (head) has what it wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = await report(error);
}
