import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { simulateSchedule } from "../../../src/cost/network/simulation.ts";
import { medianSeconds } from "../median.ts";
import { buildCase, cable, elementBytes, type NetworkCase, networkCases, ranks } from "../network.ts";
import type { Contest } from "./contest.ts";

/** The program that also makes the golden results; sources lie in the repository, this file's compiled form in dist. */
const source = fileURLToPath(new URL("../../../../test/golden/simgrid/collectives.cpp", import.meta.url));
/** Its user contexts switched without the system; its lazy updates, the default, are faster than full ones. */
const fastest = ["--log=root.thres:error", "--cfg=contexts/factory:raw"];
/** What a peer that simulates the same may differ by. */
const sameTolerance = 1e-9;
/** How many times as fast a ring is to be. */
const ringGoal = 300;
/** SimGrid needs half a minute for some. */
const rounds = 3;

/** Message-level simulations against SimGrid's, both without the making of networks and schedules, on one core. */
export async function* networkContests(): AsyncGenerator<Contest> {
  const folder = mkdtempSync(join(tmpdir(), "normsim-peer-"));
  const program = join(folder, "collectives");
  execFileSync("g++", ["-std=c++17", "-O3", "-march=native", "-o", program, source, "-lsimgrid"], {
    stdio: "inherit",
  });
  for (const of of networkCases) {
    const { schedule, network } = buildCase(of);
    const simulate = () => simulateSchedule(schedule, network, { elementBytes }).seconds;
    const seconds = simulate();
    const time = async (): Promise<number> => {
      const { stdout } = await promisify(execFile)(program, argumentsOf(of));
      const [modelSeconds, , wallSeconds] = stdout.split(" ").map(Number) as [number, number, number];
      if (!(Math.abs(modelSeconds - seconds) <= sameTolerance * seconds))
        throw new Error(`${of.title}: ${seconds} s here, ${modelSeconds} s on SimGrid`);
      return wallSeconds;
    };
    const ours = () => medianSeconds(5, simulate);
    const contest = { title: of.title, ours, peer: { name: "SimGrid", time }, rounds };
    yield of.algorithm === "ring" ? { ...contest, goal: ringGoal } : contest;
  }
  rmSync(folder, { recursive: true });
}

function argumentsOf({ algorithm, elements, stride, tree }: NetworkCase): string[] {
  const noSkew = 0;
  const topology = tree === null ? `star=${ranks}` : "tree";
  const { latencySeconds, bandwidthBytesPerSecond } = cable;
  const rest = [elements, stride, noSkew, latencySeconds, bandwidthBytesPerSecond, ...(tree ?? []).flat()];
  return [...fastest, topology, algorithm, ...rest.map(String)];
}
