import type { Host } from "../engine/host.ts";
import type { RunOptions } from "./run.ts";

/** Threads that start before it is known how many ranks there are: most scenarios have as many, and a thread costs little. */
const earlyThreads = 4;

/**
 * `normsim run`: while this thread loads and reads, those of the first run already start.
 *
 * @returns the exit code.
 */
export async function runCommand(paths: readonly string[], options: RunOptions): Promise<number> {
  const { redis, blocks, seed } = options;
  if (redis !== undefined) {
    const [{ run }, { redisHost }] = await Promise.all([import("./run.ts"), import("./spread/spread.ts")]);
    const spread = { redis, ...(blocks !== undefined && { blocks }), ...(seed !== undefined && { seed }) };
    return await run(paths, options, (path, input, onNote) => redisHost(path, input, spread, onNote));
  }
  if (options.threads === 0) {
    const [{ run }, { inProcessHost }] = await Promise.all([
      import("./run.ts"),
      import("../engine/in-process-host.ts"),
    ]);
    return await run(paths, options, () => inProcessHost(() => performance.now() / 1000));
  }
  const { piscinaHost } = await import("./piscina-host.ts");
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const early = piscinaHost({ ...threads, earlyThreads });
  let waiting: Host | null = early;
  const { run } = await import("./run.ts");
  try {
    return await run(paths, options, () => {
      const host = waiting ?? piscinaHost(threads);
      waiting = null;
      return host;
    });
  } finally {
    await early.close();
  }
}
