import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Timer } from "./contest.ts";

/** A program that waits for cases, one a line, and answers each with the seconds it took. */
export interface Peer {
  /** A timer of one case. */
  time(testCase: string): Timer;
  close(): Promise<void>;
}

/** Sources lie beside this file; its compiled form is in dist. */
export const sourceOf = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/bench/peers/${name}`, import.meta.url));

/** Start a peer; it sleeps while it is not asked. */
export function startPeer(command: string, args: readonly string[], environment = {}): Peer {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, "exit");
  return {
    time: (testCase) => async () => {
      child.stdin.write(`${testCase}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`${command} ended when it was asked for "${testCase}"`);
      return Number(value);
    },
    async close() {
      child.stdin.end();
      await exit;
    },
  };
}

/** Compile a C peer as one who wants it fast would, and start it. */
export function startCPeer(source: string): Peer {
  const folder = mkdtempSync(join(tmpdir(), "normsim-peer-"));
  const program = join(folder, "peer");
  execFileSync("gcc", ["-O3", "-march=native", sourceOf(source), "-o", program, "-lm"], { stdio: "inherit" });
  const peer = startPeer(program, []);
  return {
    ...peer,
    async close() {
      await peer.close();
      rmSync(folder, { recursive: true });
    },
  };
}
