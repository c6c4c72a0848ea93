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
  const { stepCount, stepStart, length } = schedule;
  const { pathOf, start, links } = paths;
  const bytes = new Float64Array(linkCount);
  const isShared = openToMany(schedule, paths, linkCount);
  const lastStep = new Int32Array(linkCount).fill(-1);
  for (let step = 0; step < stepCount; step++) {
    const end = stepStart[step + 1]!;
    for (let i = stepStart[step]!; i < end; i++) {
      const path = pathOf[i]!;
      const payloadBytes = length[i]! * elementBytes;
      const pathEnd = start[path + 1]!;
      for (let at = start[path]!; at < pathEnd; at++) {
        const link = links[at]!;
        bytes[link]! += payloadBytes;
        if (lastStep[link] === step) isShared[link] = 1;
        lastStep[link] = step;
      }
    }
  }
  return { bytes, isShared };
}

/**
 * The part of each path where its messages can be held up by others: its shared links, and the slowest of
 * the others if that is slower than all of them. Empty for a path without shared links.
 */
export function contestedLinks(paths: Paths, isShared: Uint8Array, bandwidth: Float64Array): LinkLists {
  const start = new Uint32Array(paths.count + 1);
  const links: number[] = [];
  for (let path = 0; path < paths.count; path++) {
    const own = paths.links.subarray(paths.start[path], paths.start[path + 1]);
    const shared = [...own].filter((link) => isShared[link] === 1);
    if (shared.length > 0) {
      const slowest = own.reduce((a, b) => (bandwidth[b]! < bandwidth[a]! ? b : a));
      links.push(...shared);
      if (shared.every((link) => bandwidth[link]! > bandwidth[slowest]!)) links.push(slowest);
    }
    start[path + 1] = links.length;
  }
  return { start, links: Uint32Array.from(links) };
}

/** Per link: 1 if its messages have neither one source nor one target. */
function openToMany({ source, target }: Schedule, paths: Paths, linkCount: number): Uint8Array {
  const { pathOf, start, links } = paths;
  const several = -2;
  const onlySource = new Int32Array(linkCount).fill(-1);
  const onlyTarget = new Int32Array(linkCount).fill(-1);
  const isSeen = new Uint8Array(paths.count);
  for (let i = 0; i < pathOf.length; i++) {
    const path = pathOf[i]!;
    if (isSeen[path] === 1) continue;
    isSeen[path] = 1;
    for (let at = start[path]!; at < start[path + 1]!; at++) {
      const link = links[at]!;
      onlySource[link] = narrow(onlySource[link]!, source[i]!);
      onlyTarget[link] = narrow(onlyTarget[link]!, target[i]!);
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
