import { buildSchedule } from "../../src/collectives/plan.ts";
import type { Schedule } from "../../src/collectives/schedule.ts";
import { fatTreeNetwork } from "../../src/cost/network/fat-tree-network.ts";
import type { Network } from "../../src/cost/network/network.ts";
import { simulateSchedule } from "../../src/cost/network/simulation.ts";
import { starNetwork } from "../../src/cost/network/star-network.ts";
import { request } from "../support/every-collective.ts";
import type { Figure } from "./figures.ts";

const cable = { latencySeconds: 1e-6, bandwidthBytesPerSecond: 25e9 };

/** Four cables up for sixteen ranks. */
const slimTree = (ranks: number): Network =>
  fatTreeNetwork([
    { children: 16, parents: 1, ...cable },
    { children: ranks / 16, parents: 4, ...cable },
  ]);

/** The ranks of a schedule renamed so that neighbours sit on different switches. */
function scattered(schedule: Schedule): Schedule {
  const { ranks } = schedule;
  const place = (rank: number): number => (rank * 17) % ranks;
  return { ...schedule, source: schedule.source.map(place), target: schedule.target.map(place) };
}

/** Print how many messages a second the simulation does: the median of nine runs, one core. */
export function benchNetwork(): Figure[] {
  const ring = buildSchedule("all-reduce", "ring", request(1024, 2048));
  const doubling = buildSchedule("all-reduce", "recursive-doubling", request(1024, 2048));
  return [
    report("ring all-reduce, 1024 ranks, 8 KB, star", ring, starNetwork({ ranks: 1024, ...cable })),
    report("ring all-reduce, 1024 ranks, 8 KB, fat tree 4:1", ring, slimTree(1024)),
    report("the same, neighbours on different switches", scattered(ring), slimTree(1024)),
    report("recursive doubling, 1024 ranks, 8 KB, fat tree 4:1", doubling, slimTree(1024)),
  ];
}

function report(title: string, schedule: Schedule, network: Network): Figure {
  const runs = Array.from({ length: 9 }, () => {
    const began = performance.now();
    const { isContended } = simulateSchedule(schedule, network, { elementBytes: 4 });
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
