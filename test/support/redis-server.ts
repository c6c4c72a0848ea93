import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Redis of one test file, on a free loopback port, with nothing on disk. */
export interface TestRedis {
  readonly port: number;
  stop(): Promise<void>;
}

/** @throws Error if there is no redis-server: a test that needs one fails, it is not skipped. */
export async function startRedis(...options: readonly string[]): Promise<TestRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "normsim-redis-"));
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const server = spawn("redis-server", [...settings, ...options]);
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.on("error", () =>
      reject(new Error("these tests need redis-server 7: apt-get install redis-server")),
    );
    server.stdout.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("Ready to accept connections")) resolve();
    });
    server.on("exit", () => reject(new Error(`redis-server ended: ${log}`)));
  });
  return {
    port,
    async stop() {
      const ended = endOf(server);
      server.kill("SIGKILL");
      await ended;
    },
  };
}

/** Settles when a process has ended, with its exit code or signal. */
export function endOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
