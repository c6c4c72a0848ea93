import type { Schedule } from "../../collectives/schedule.ts";
import type { LinkLists, Paths } from "./paths.ts";

/** What a schedule does to the links, whenever its messages run. */
export interface LinkUse {
  /** Per link: bytes of all messages over it. */
  readonly bytes: Float64Array;
  /** Per link: 1 if two messages can ever be on it at once. */
  readonly isShared: Uint8Array;
}

/**
 * Where messages can meet, without a look at the clock.
 *
 * No two messages are ever on a link at once if no step sends two over it, and all that go over it have
 * one source or one target: that rank finishes each before the next. Else they might, whatever happens.
 */
export function linkUse(schedule: Schedule, elementBytes: number, paths: Paths, linkCount: number): LinkUse {
  const { runs, pathOf, start, links } = paths;
  const elements = elementsOfPaths(schedule, paths);
  const bytes = new Float64Array(linkCount);
  for (let path = 0; path < paths.count; path++) {
    for (let at = start[path]!; at < start[path + 1]!; at++)
      bytes[links[at]!]! += elements[path]! * elementBytes;
  }
  const isShared = openToMany(paths, linkCount);
  const lastRun = new Int32Array(linkCount).fill(-1);
  for (let run = 0; run < runs.count; run++) {
    for (let place = runs.start[run]!; place < runs.start[run + 1]!; place++) {
      const path = pathOf[place]!;
      for (let at = start[path]!; at < start[path + 1]!; at++) {
        const link = links[at]!;
        if (lastRun[link] === run) isShared[link] = 1;
        lastRun[link] = run;
      }
    }
  }
  return { bytes, isShared };
}

/** Per path: elements of all messages that take it. */
function elementsOfPaths({ length }: Schedule, { runs, pathOf, count }: Paths): Float64Array {
  const elements = new Float64Array(count);
  for (let run = 0; run < runs.count; run++) {
    const rounds = runs.rounds[run]!;
    // Rounds of an even run are alike.
    const alike = runs.isEven[run] === 1 ? rounds : 1;
    let message = runs.firstMessage[run]!;
    for (let round = 0; round < rounds; round += alike) {
      for (let place = runs.start[run]!; place < runs.start[run + 1]!; place++)
        elements[pathOf[place]!]! += alike * length[message++]!;
    }
  }
  return elements;
}

/**
 * The part of each path where its messages can be held up by others: its shared links, and the slowest of
 * the others if that is slower than all of them. Empty for a path without shared links.
 */
export function contestedLinks(paths: Paths, isShared: Uint8Array, bandwidth: Float64Array): LinkLists {
  const start = new Uint32Array(paths.count + 1);
  const links: number[] = [];
  for (let path = 0; path < paths.count; path++) {
    let slowest = paths.links[paths.start[path]!]!;
    let leastShared = Number.POSITIVE_INFINITY;
    for (let at = paths.start[path]!; at < paths.start[path + 1]!; at++) {
      const link = paths.links[at]!;
      if (bandwidth[link]! < bandwidth[slowest]!) slowest = link;
      if (isShared[link] === 0) continue;
      links.push(link);
      if (bandwidth[link]! < leastShared) leastShared = bandwidth[link]!;
    }
    const isHeldUp = leastShared < Number.POSITIVE_INFINITY;
    if (isHeldUp && bandwidth[slowest]! < leastShared) links.push(slowest);
    start[path + 1] = links.length;
  }
  return { start, links: Uint32Array.from(links) };
}

/** Per link: 1 if its messages have neither one source nor one target. */
function openToMany({ runs, ...paths }: Paths, linkCount: number): Uint8Array {
  const { pathOf, start, links } = paths;
  const several = -2;
  const onlySource = new Int32Array(linkCount).fill(-1);
  const onlyTarget = new Int32Array(linkCount).fill(-1);
  const isSeen = new Uint8Array(paths.count);
  for (let place = 0; place < pathOf.length; place++) {
    const path = pathOf[place]!;
    if (isSeen[path] === 1) continue;
    isSeen[path] = 1;
    for (let at = start[path]!; at < start[path + 1]!; at++) {
      const link = links[at]!;
      onlySource[link] = narrow(onlySource[link]!, runs.source[place]!);
      onlyTarget[link] = narrow(onlyTarget[link]!, runs.target[place]!);
    }
  }
  return Uint8Array.from(onlySource, (rank, link) =>
    rank === several && onlyTarget[link] === several ? 1 : 0,
  );

  /** The one rank so far, with another one. */
  function narrow(rank: number, other: number): number {
    return rank === -1 || rank === other ? other : several;
  }
}
