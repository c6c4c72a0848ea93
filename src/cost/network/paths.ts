import type { Schedule } from "../../collectives/schedule.ts";
import type { Network } from "./network.ts";
import { type Runs, runsOf } from "./runs.ts";

/** Links per path: those of path p are links[start[p]] up to links[start[p + 1]]. */
export interface LinkLists {
  readonly start: Uint32Array;
  readonly links: Uint32Array;
}

/** The different ways that the messages of a schedule take through a network, each stated once. */
export interface Paths extends LinkLists {
  readonly runs: Runs;
  /** Per place: its path. */
  readonly pathOf: Uint32Array;
  readonly count: number;
  /** Per path: the sum over its links. */
  readonly latencySeconds: Float64Array;
  /** Per path: the least of its links. */
  readonly bandwidthBytesPerSecond: Float64Array;
}

/** The path of every message, by place. */
export function pathsOf(schedule: Schedule, network: Network): Paths {
  const { ranks } = schedule;
  const runs = runsOf(schedule);
  const { source, target } = runs;
  const pathOf = new Uint32Array(source.length);
  const known = new Map<number, number>();
  const start = [0];
  const links: number[] = [];
  const route = new Uint32Array(network.longestRoute);
  const pathBetween = (from: number, to: number): number => {
    const key = from * ranks + to;
    const path = known.get(key) ?? known.size;
    if (path < known.size) return path;
    known.set(key, path);
    const count = network.route(from, to, route);
    for (let i = 0; i < count; i++) links.push(route[i]!);
    start.push(links.length);
    return path;
  };
  // Most ranks send to the rank that they sent to last.
  const lastTarget = new Int32Array(ranks).fill(-1);
  const lastPath = new Uint32Array(ranks);
  for (let i = 0; i < source.length; i++) {
    const from = source[i]!;
    const to = target[i]!;
    if (lastTarget[from] !== to) {
      lastTarget[from] = to;
      lastPath[from] = pathBetween(from, to);
    }
    pathOf[i] = lastPath[from]!;
  }
  const table = { start: Uint32Array.from(start), links: Uint32Array.from(links) };
  return { runs, pathOf, count: known.size, ...table, ...pathConstants(network, table) };
}

/** Latency and bandwidth of each path when it is alone. */
function pathConstants(
  network: Network,
  { start, links }: LinkLists,
): Pick<Paths, "latencySeconds" | "bandwidthBytesPerSecond"> {
  const count = start.length - 1;
  const latencySeconds = new Float64Array(count);
  const bandwidthBytesPerSecond = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  for (let path = 0; path < count; path++) {
    for (let i = start[path]!; i < start[path + 1]!; i++) {
      const link = links[i]!;
      latencySeconds[path]! += network.latencySeconds[link]!;
      bandwidthBytesPerSecond[path] = Math.min(
        bandwidthBytesPerSecond[path]!,
        network.bandwidthBytesPerSecond[link]!,
      );
    }
  }
  return { latencySeconds, bandwidthBytesPerSecond };
}
