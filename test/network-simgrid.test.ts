import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AllReduceAlgorithm } from "../src/collectives/algorithms.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import type { Schedule } from "../src/collectives/schedule.ts";
import { fatTreeNetwork } from "../src/cost/network/fat-tree-network.ts";
import type { Network } from "../src/cost/network/network.ts";
import { simulateSchedule } from "../src/cost/network/simulation.ts";
import { starNetwork } from "../src/cost/network/star-network.ts";
import { request } from "./support/every-collective.ts";

interface SimGridCase {
  readonly ranks: number;
  /** Per level, lowest first: children of a switch, parents of a node below it; null: a star. */
  readonly tree: readonly (readonly [number, number])[] | null;
  readonly algorithm: AllReduceAlgorithm;
  readonly elements: number;
  /** Rank r runs on host (r · stride) mod ranks. */
  readonly stride: number;
  /** Rank r starts at ((37 r) mod 64) · skewSeconds. */
  readonly skewSeconds: number;
  readonly seconds: number;
}

// Oracle: SimGrid 3.32, by test/golden/simgrid/generate.py: its own fat tree with its own routes, its own
// max-min solver, and schedules that were written for it in C++.
const golden: {
  readonly latencySeconds: number;
  readonly bandwidthBytesPerSecond: number;
  readonly elementBytes: number;
  readonly cases: readonly SimGridCase[];
} = JSON.parse(readFileSync(new URL("golden/simgrid.json", import.meta.url), "utf8"));

/** SimGrid tells moments apart that are 1e-12 s from each other (surf/precision), of 2e-5 s at least. */
const simgridTolerance = 1e-7;

const { latencySeconds, bandwidthBytesPerSecond, elementBytes, cases } = golden;
const cable = { latencySeconds, bandwidthBytesPerSecond };

function networkOf({ ranks, tree }: SimGridCase): Network {
  if (tree === null) return starNetwork({ ranks, ...cable });
  return fatTreeNetwork(tree.map(([children, parents]) => ({ children, parents, ...cable })));
}

const schedules = new Map<string, Schedule>();
function scheduleOf({ algorithm, ranks, elements }: SimGridCase): Schedule {
  const key = `${algorithm} ${ranks} ${elements}`;
  const schedule = schedules.get(key) ?? buildSchedule("all-reduce", algorithm, request(ranks, elements));
  schedules.set(key, schedule);
  return schedule;
}

function secondsOf(of: SimGridCase): number {
  const { ranks, stride, skewSeconds } = of;
  const schedule = scheduleOf(of);
  const host = (rank: number) => (rank * stride) % ranks;
  const placed =
    stride === 1
      ? schedule
      : { ...schedule, source: schedule.source.map(host), target: schedule.target.map(host) };
  const startSeconds = new Float64Array(ranks);
  for (let rank = 0; rank < ranks; rank++) startSeconds[host(rank)] = ((37 * rank) % 64) * skewSeconds;
  return simulateSchedule(placed, networkOf(of), { elementBytes, startSeconds }).seconds;
}

for (const algorithm of ["ring", "recursive-doubling", "rabenseifner"] as const) {
  for (const place of ["star", "fat tree"] as const) {
    test(`${algorithm} on a ${place} takes as long as on SimGrid`, () => {
      const own = cases.filter(
        (of) => of.algorithm === algorithm && (of.tree === null) === (place === "star"),
      );
      expect(own.length).toBeGreaterThan(0);
      const misses = own
        .map((of) => ({ of, got: secondsOf(of) }))
        .filter(({ of, got }) => !(Math.abs(got - of.seconds) <= simgridTolerance * of.seconds));
      expect(misses).toEqual([]);
    });
  }
}

test("the comparison with SimGrid covers 8 to 1024 ranks of each algorithm, on shared links too", () => {
  for (const algorithm of ["ring", "recursive-doubling", "rabenseifner"]) {
    const own = cases.filter((of) => of.algorithm === algorithm);
    expect(new Set(own.map(({ ranks }) => ranks))).toEqual(new Set([8, 64, 256, 512, 1024]));
    // Nothing shared: no more time on the tree than on a star with cables as long as its longest way.
    const isSlowed = (of: SimGridCase) => {
      const hops = of.tree!.length;
      const network = starNetwork({
        ranks: of.ranks,
        latencySeconds: hops * latencySeconds,
        bandwidthBytesPerSecond,
      });
      return of.seconds > 1.01 * simulateSchedule(scheduleOf(of), network, { elementBytes }).seconds;
    };
    expect(
      own.some((of) => of.tree !== null && of.skewSeconds === 0 && of.ranks === 64 && isSlowed(of)),
    ).toBe(true);
  }
});
