import { assert } from "../../assert.ts";
import type { TimelineEvent } from "./timeline.ts";

/** The events of every track, by "rank track", as slices on whole nanoseconds. */
export function tracksOf(events: readonly TimelineEvent[]): Map<string, TrackSlices> {
  const byTrack = new Map<string, TimelineEvent[]>();
  for (const event of events) {
    const key = `${event.rank} ${event.track}`;
    const own = byTrack.get(key);
    if (own === undefined) byTrack.set(key, [event]);
    else own.push(event);
  }
  return new Map([...byTrack].map(([key, own]) => [key, new TrackSlices(own)]));
}

/** The slices of one track: start order, the outer one first. They nest, also after rounding. */
export class TrackSlices {
  readonly events: readonly TimelineEvent[];
  readonly startNanoseconds: Float64Array;
  readonly endNanoseconds: Float64Array;

  /** @throws AssertionError if two events overlap in part. */
  constructor(events: readonly TimelineEvent[]) {
    this.events = events.toSorted(
      (a, b) => a.startSeconds - b.startSeconds || b.durationSeconds - a.durationSeconds,
    );
    this.startNanoseconds = Float64Array.from(this.events, (event) => Math.round(event.startSeconds * 1e9));
    this.endNanoseconds = Float64Array.from(this.events, (event) =>
      Math.round((event.startSeconds + event.durationSeconds) * 1e9),
    );
    this.#nest();
  }

  /** A moment, moved into slice `i` if it is not: its end does not belong to it. */
  insideSlice(i: number, seconds: number): number {
    const start = this.startNanoseconds[i]!;
    const last = Math.max(start, this.endNanoseconds[i]! - 1);
    return Math.min(last, Math.max(start, Math.round(seconds * 1e9)));
  }

  /** A moment, moved into the innermost slice that is under way or ends then; undefined if there is none. */
  within(seconds: number): number | undefined {
    const moment = Math.round(seconds * 1e9);
    for (let i = this.#firstFrom(moment) - 1; i >= 0; i--) {
      if (this.endNanoseconds[i]! >= moment) return this.insideSlice(i, seconds);
    }
    // Nothing has begun before: a slice that begins right then will do.
    const next = this.#firstFrom(moment);
    return this.startNanoseconds[next] === moment ? this.insideSlice(next, seconds) : undefined;
  }

  /** The first slice that starts at a moment or later. */
  #firstFrom(moment: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.startNanoseconds[middle]! < moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Take back the nanosecond by which rounding can make two slices overlap. */
  #nest(): void {
    const start = this.startNanoseconds;
    const end = this.endNanoseconds;
    const open: number[] = [];
    const closeUntil = (moment: number): number | undefined => {
      while (open.length > 0 && end[open.at(-1)!]! <= moment) open.pop();
      return open.at(-1);
    };
    for (let i = 0; i < this.events.length; i++) {
      const around = closeUntil(start[i]!);
      if (around !== undefined && end[i]! > end[around]!) this.#part(around, i);
      const outer = closeUntil(start[i]!);
      if (outer !== undefined) start[i] = Math.max(start[i]!, start[outer]!);
      end[i] = Math.max(end[i]!, start[i]!);
      open.push(i);
    }
  }

  /** Slice `i` starts inside `outer` and ends after it: by rounding alone, or somebody made a mistake. */
  #part(outer: number, i: number): void {
    const excess = this.endNanoseconds[i]! - this.endNanoseconds[outer]!;
    const overlap = this.endNanoseconds[outer]! - this.startNanoseconds[i]!;
    const [a, b] = [this.events[outer]!, this.events[i]!];
    assert(
      Math.min(excess, overlap) <= 1,
      `rank ${a.rank}, ${a.track}: ${a.name} ends at ${a.startSeconds + a.durationSeconds} s, inside ${b.name} from ${b.startSeconds} s`,
    );
    if (overlap <= excess) this.startNanoseconds[i] = this.endNanoseconds[outer]!;
    else this.endNanoseconds[i] = this.endNanoseconds[outer]!;
  }
}
