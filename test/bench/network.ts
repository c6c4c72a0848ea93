import { buildSchedule } from "../../src/collectives/plan.ts";
import type { Schedule } from "../../src/collectives/schedule.ts";
import { fatTreeNetwork } from "../../src/cost/network/fat-tree-network.ts";
import type { Network } from "../../src/cost/network/network.ts";
import { simulateSchedule } from "../../src/cost/network/simulation.ts";
import { starNetwork } from "../../src/cost/network/star-network.ts";
import { request } from "../support/every-collective.ts";
import type { Figure } from "./figures.ts";

/** A simulation: an all-reduce of float32 on a network whose cables are all the same. */
export interface NetworkCase {
  readonly title: string;
  readonly algorithm: "ring" | "recursive-doubling";
  readonly elements: number;
  /** Rank r is host (r · stride) mod ranks. */
  readonly stride: number;
  /** Per level of a fat tree, lowest first: children of a switch, parents of a node below it. null: a star. */
  readonly tree: readonly (readonly [number, number])[] | null;
}

export const ranks = 1024;
export const elementBytes = 4;
export const cable = { latencySeconds: 1e-6, bandwidthBytesPerSecond: 25e9 } as const;

/** Four cables up for sixteen ranks. */
const slimTree = [
  [16, 1],
  [ranks / 16, 4],
] as const;
const eightKiB = { elements: 2048, stride: 1 };
const ring = { algorithm: "ring", ...eightKiB } as const;

/**
 * A ring of ranks far apart has its links shared. With an even share for every block all ranks go in step; 6 KiB have blocks of
 * one float and of two.
 */
export const networkCases: readonly NetworkCase[] = [
  { title: "ring all-reduce, 1024 ranks, 8 KiB, star", ...ring, tree: null },
  { title: "ring all-reduce, 1024 ranks, 6 KiB, star", ...ring, elements: 1536, tree: null },
  { title: "ring all-reduce, 1024 ranks, 8 KiB, fat tree 4:1", ...ring, tree: slimTree },
  { title: "scattered ring, 1024 ranks, 8 KiB, fat tree 4:1", ...ring, stride: 17, tree: slimTree },
  {
    title: "scattered ring, 1024 ranks, 6 KiB, fat tree 4:1",
    ...{ ...ring, elements: 1536, stride: 17 },
    tree: slimTree,
  },
  {
    title: "recursive doubling, 1024 ranks, 8 KiB, fat tree 4:1",
    algorithm: "recursive-doubling",
    ...eightKiB,
    tree: slimTree,
  },
];

/** What `simulateSchedule` takes. */
export function buildCase({ algorithm, elements, stride, tree }: NetworkCase): {
  readonly schedule: Schedule;
  readonly network: Network;
} {
  const schedule = buildSchedule("all-reduce", algorithm, request(ranks, elements));
  const host = (rank: number): number => (rank * stride) % ranks;
  const levels = tree?.map(([children, parents]) => ({ children, parents, ...cable }));
  return {
    schedule: { ...schedule, source: schedule.source.map(host), target: schedule.target.map(host) },
    network: levels === undefined ? starNetwork({ ranks, ...cable }) : fatTreeNetwork(levels),
  };
}

/** Print how many messages a second the simulation does: the median of nine runs, one core. */
export function benchNetwork(): Figure[] {
  return networkCases.map(report);
}

function report(of: NetworkCase): Figure {
  const { title } = of;
  const { schedule, network } = buildCase(of);
  const runs = Array.from({ length: 9 }, () => {
    const began = performance.now();
    const { isContended } = simulateSchedule(schedule, network, { elementBytes });
    return { wallSeconds: (performance.now() - began) / 1e3, isContended };
  }).sort((a, b) => a.wallSeconds - b.wallSeconds);
  const { wallSeconds, isContended } = runs[4]!;
  const messages = schedule.source.length;
  const rate = (messages / wallSeconds / 1e6).toFixed(1);
  const sharing = isContended ? "links shared" : "nothing shared";
  console.log(
    `${title}: ${messages} messages in ${(wallSeconds * 1e3).toFixed(1)} ms, ${rate} M/s, ${sharing}`,
  );
  return { title, wallSeconds };
}
