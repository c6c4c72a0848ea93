import { rmSync } from "node:fs";
import { join } from "node:path";
import { sweep } from "../../src/node/sweep/sweep.ts";
import { drawsFrom } from "../support/mutation.ts";
import { endOf, startRedis } from "../support/redis-server.ts";
import {
  linesOf,
  type Running,
  scenarioFile,
  smallScenario,
  startCommand,
  temporaryFolder,
} from "../support/sweep-command.ts";

/** Sweeps over worker processes that were killed. */
export interface SweepTally {
  readonly sweeps: number;
  readonly points: number;
  readonly workersKilled: number;
}

const workersAtOnce = 3;
/** A point is given up when it has lost its worker more often than this. */
const mostKills = 3;

/**
 * Sweeps over worker processes, of which some are killed (SIGKILL) at random moments and replaced.
 *
 * @throws Error that names the seed if a sweep has not exactly the lines of the same sweep in this process.
 */
export async function killingSweeps(sweeps: number, seed: number): Promise<SweepTally> {
  const tally = { sweeps: 0, points: 0, workersKilled: 0 };
  if (sweeps === 0) return tally;
  const redis = await startRedis();
  const folder = temporaryFolder();
  try {
    while (tally.sweeps < sweeps) {
      const round = seed + tally.sweeps;
      const { points, kills } = await killingSweep(`redis://127.0.0.1:${redis.port}`, round, folder);
      tally.sweeps++;
      tally.points += points;
      tally.workersKilled += kills;
    }
    return tally;
  } finally {
    await redis.stop();
    rmSync(folder, { recursive: true });
  }
}

async function killingSweep(
  url: string,
  seed: number,
  folder: string,
): Promise<{ points: number; kills: number }> {
  const draw = drawsFrom(seed);
  // Points of its own: Redis remembers those of other rounds.
  const seeds = Array.from({ length: 10 + draw(10) }, (_, index) => seed * 1000 + index);
  const set = [`seed=${seeds.join()}`, "data.samples=2,3", "backward=true,false"];
  const path = scenarioFile(smallScenario, folder);
  const [here, there] = [join(folder, `here-${seed}`), join(folder, `there-${seed}`)];
  await sweep(path, { set, threads: 0, quiet: true, ndjson: here });
  const start = (): Running => startCommand(["worker", "--redis", url, "--threads", "1"]);
  const workers = Array.from({ length: workersAtOnce }, start);
  let kills = 0;
  try {
    const swept = sweep(path, { set, redis: url, quiet: true, ndjson: there });
    let isOver = false;
    const over = swept.finally(() => {
      isOver = true;
    });
    while (kills < mostKills) {
      const at = draw(workersAtOnce);
      const victim = workers[at]!;
      await Promise.race([victim.said("a point is done", 1 + draw(8)), over]);
      if (isOver) break;
      victim.child.kill("SIGKILL");
      await endOf(victim.child);
      workers[at] = start();
      kills++;
    }
    const code = await over;
    const [want, got] = [linesOf(here), linesOf(there)];
    if (code !== 0 || got.length !== seeds.length * 4 || got.join("\n") !== want.join("\n"))
      throw new Error(`seed ${seed}: exit ${code}, ${got.length} points of ${want.length}, or others`);
    return { points: got.length, kills };
  } finally {
    for (const { child } of workers) {
      child.kill("SIGKILL");
      await endOf(child);
    }
  }
}
