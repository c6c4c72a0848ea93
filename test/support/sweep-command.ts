import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli, type Finished, normsim } from "./command.ts";

/** A scenario that takes milliseconds. */
export const smallScenario = {
  name: "small",
  mesh: { data: 4 },
  data: { source: "gaussian", samples: 2, channels: 4 },
  normalizers: [
    { name: "local BN", type: "batch-norm", group: "rank" },
    { name: "SyncBN", type: "batch-norm", group: "world" },
  ],
};

/** 64 points: seeds 1 to 16, two microbatches, with and without backward. */
export const grid64: readonly string[] = [
  "--set",
  `seed=${Array.from({ length: 16 }, (_, index) => index + 1).join(",")}`,
  "--set",
  "data.samples=2,3",
  "--set",
  "backward=true,false",
];

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "normsim-sweep-"));

/** Write a scenario into a folder of its own; the path of the file. */
export function scenarioFile(scenario: unknown, folder: string = temporaryFolder()): string {
  const path = join(folder, "scenario.json");
  writeFileSync(path, JSON.stringify(scenario));
  return path;
}

/** `normsim sweep`, on one thread unless the arguments say otherwise. */
export function sweepCommand(args: readonly string[], options: { cwd?: string } = {}): Promise<Finished> {
  return normsim(["sweep", ...args], options);
}

/** Complete lines of a file; none while there is no file. */
export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
}

/** A command that is still running. */
export interface Running {
  readonly child: ChildProcess;
  /** Settles when it has written, on stderr, that many lines that contain a text; rejects if it ends before. */
  said(text: string, times?: number): Promise<void>;
  readonly stderr: () => string;
}

/** Start a `normsim` command without awaiting its end. */
export function startCommand(args: readonly string[]): Running {
  const child = spawn(process.execPath, [cli, ...args]);
  let stderr = "";
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  child.stdout.resume();
  child.once("close", notify);
  return {
    child,
    stderr: () => stderr,
    said: (text, times = 1) =>
      new Promise((resolve, reject) => {
        const listener = (): void => {
          const isSaid = stderr.split(text).length > times;
          const hasEnded = child.exitCode !== null || child.signalCode !== null;
          if (!isSaid && !hasEnded) return;
          listeners.delete(listener);
          if (isSaid) resolve();
          else reject(new Error(`ended before it said ${JSON.stringify(text)} ${times} times: ${stderr}`));
        };
        listeners.add(listener);
        listener();
      }),
  };
}
