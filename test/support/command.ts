import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Whether this file is itself part of the build. */
const isBuilt = import.meta.url.endsWith(".js");
/** The bundled command, as users have it; `npm test` builds it first. */
export const cli: string = fileURLToPath(
  new URL(`${isBuilt ? "../../" : "../../dist/"}command/src/node/cli.js`, import.meta.url),
);
const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run a program to its end. */
export function command(
  program: string,
  args: readonly string[],
  options: { input?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd ?? root, env: { ...process.env, ...options.env } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {}); // a program that does not read its input may close it
    child.stdin.end(options.input ?? "");
  });
}

/** `normsim <args>`. */
export function normsim(
  args: readonly string[],
  options: Parameters<typeof command>[2] = {},
): Promise<Finished> {
  return command(process.execPath, [cli, ...args], options);
}
