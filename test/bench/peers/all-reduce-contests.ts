import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { allReduceSeconds } from "../all-reduce-seconds.ts";
import type { Contest } from "./contest.ts";

const cases = [
  { ranks: 2, elements: 129, warmUp: 5000, windows: 500, calls: 20, goal: 2 },
  { ranks: 2, elements: 1025, warmUp: 5000, windows: 500, calls: 20, goal: 2 },
  { ranks: 8, elements: 129, warmUp: 2000, windows: 100, calls: 10, goal: 8 },
  { ranks: 8, elements: 1025, warmUp: 2000, windows: 100, calls: 10, goal: 8 },
  { ranks: 2, elements: 2 ** 22, warmUp: 3, windows: 10, calls: 1, goal: 3 },
];

/** Sources lie in the repository; this file's compiled form in dist. */
const source = fileURLToPath(new URL("../../../../test/bench/peers/all-reduce.c", import.meta.url));
/** OpenMPI refuses the superuser of a container, and more processes than cores, unless it is told. */
const environment = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
const launch = ["--oversubscribe", "--bind-to", "none", "-n"];

/** All-reduces between threads against OpenMPI's between processes, both from private memory into private memory. */
export async function* allReduceContests(): AsyncGenerator<Contest> {
  const folder = mkdtempSync(join(tmpdir(), "normsim-peer-"));
  const program = join(folder, "all-reduce");
  execFileSync("mpicc", ["-O3", "-march=native", source, "-o", program], { stdio: "inherit" });
  const threadsMaximum = availableParallelism();
  for (const { ranks, elements, goal, ...times } of cases) {
    const { warmUp, windows, calls } = times;
    const args = [...launch, ranks, program, elements, warmUp, windows, calls].map(String);
    yield {
      title: `all-reduce of ${elements} floats, ${ranks} ranks`,
      ours: () => allReduceSeconds({ ranks, threads: Math.min(ranks, threadsMaximum), elements, ...times }),
      peer: {
        name: "OpenMPI",
        async time() {
          const { stdout } = await promisify(execFile)("mpirun", args, { env: environment });
          return Number(stdout);
        },
      },
      goal,
    };
  }
  rmSync(folder, { recursive: true });
}
