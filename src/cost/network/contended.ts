import { assert } from "../../assert.ts";
import { EventQueue } from "./event-queue.ts";
import { FairShare } from "./fair-share.ts";
import { Lockstep } from "./lockstep.ts";
import type { LinkLists } from "./paths.ts";
import { type RankMessages, rankMessages } from "./rank-messages.ts";
import type { Traffic } from "./traffic.ts";

/** Events closer together, relative to the clock, are one: some thousand roundings of float64. */
const timeTolerance = 1e-12;

/** What a message in a slot is waiting for: to have paid its latency, or to be through. */
const paying = 0;
const flowing = 1;

/**
 * When each rank is done where messages may meet: events in time order for those that may, at once for
 * those that cannot, whose end nothing else depends on but the ranks.
 *
 * @param contested Per path: the links where its messages can meet others; none: they cannot.
 * @returns seconds per rank.
 */
export function finishContended(
  traffic: Traffic,
  contested: LinkLists,
  bandwidthBytesPerSecond: Float64Array,
): Float64Array {
  const contention = new Contention(traffic, contested, bandwidthBytesPerSecond);
  contention.run();
  return contention.finishSeconds;
}

class Contention {
  /** Per rank: when it was done with its last step so far. */
  readonly finishSeconds: Float64Array;
  readonly #traffic: Traffic;
  readonly #contested: LinkLists;
  readonly #byRank: RankMessages;
  readonly #lockstep: Lockstep;
  // Per rank: the first entry of its next step, which step of the run that is, what its step still waits for,
  // when it entered it.
  readonly #next: Int32Array;
  readonly #round: Uint32Array;
  readonly #pending: Uint32Array;
  readonly #entered: Float64Array;
  /** Ranks that are done with a step and have not been told. */
  readonly #free: number[] = [];
  /** Per place: 1 if one of the ranks has entered its round, but not the other. */
  readonly #isExpected: Uint8Array;
  // Messages that may meet others have a slot while they are under way.
  readonly #queue: EventQueue;
  readonly #flows: FairShare;
  readonly #placeOf: Uint32Array;
  readonly #messageOf: Uint32Array;
  readonly #phase: Uint8Array;
  readonly #slots: number[] = [];

  constructor(traffic: Traffic, contested: LinkLists, bandwidthBytesPerSecond: Float64Array) {
    const { schedule, startSeconds, paths } = traffic;
    this.#traffic = traffic;
    this.#contested = contested;
    this.finishSeconds = startSeconds.slice();
    this.#lockstep = new Lockstep(traffic);
    this.#byRank = rankMessages(paths.runs, schedule.ranks);
    this.#next = this.#byRank.firstEntry.slice();
    this.#round = new Uint32Array(schedule.ranks);
    this.#pending = new Uint32Array(schedule.ranks);
    this.#entered = new Float64Array(schedule.ranks);
    this.#isExpected = new Uint8Array(paths.pathOf.length);
    const capacity = this.#byRank.mostAtOnce;
    this.#queue = new EventQueue(capacity);
    this.#flows = new FairShare(bandwidthBytesPerSecond, contested, capacity, this.#queue);
    this.#placeOf = new Uint32Array(capacity);
    this.#messageOf = new Uint32Array(capacity);
    this.#phase = new Uint8Array(capacity);
    for (let slot = capacity - 1; slot >= 0; slot--) this.#slots.push(slot);
  }

  run(): void {
    for (let rank = 0; rank < this.finishSeconds.length; rank++) this.#free.push(rank);
    this.#enterSteps();
    while (this.#queue.nextSeconds < Number.POSITIVE_INFINITY) {
      const until = this.#queue.nextSeconds * (1 + timeTolerance);
      let now = 0;
      while (this.#queue.nextSeconds <= until) {
        now = this.#queue.nextSeconds;
        let slot = this.#queue.take();
        while (slot !== -1) {
          const following = this.#queue.after(slot);
          this.#advance(slot, now);
          slot = following;
        }
      }
      const isIdle = this.#slots.length === this.#messageOf.length;
      if (isIdle && this.#free.length > 0) this.#skipRounds();
      this.#enterSteps();
      this.#flows.settle(now);
    }
    const stuck = this.#pending.findIndex((pending) => pending > 0);
    assert(stuck === -1, `rank ${stuck} waits for ${this.#pending[stuck]} messages that nobody sends`);
  }

  /** A message in a slot has paid its latency, or is through. */
  #advance(slot: number, seconds: number): void {
    const place = this.#placeOf[slot]!;
    const message = this.#messageOf[slot]!;
    const { schedule, elementBytes, paths } = this.#traffic;
    if (this.#phase[slot] === paying) {
      this.#phase[slot] = flowing;
      this.#flows.begin(slot, paths.pathOf[place]!, schedule.length[message]! * elementBytes, seconds);
      return;
    }
    this.#flows.end(slot);
    this.#slots.push(slot);
    this.#finish(place, message, seconds);
  }

  /** Do rounds at once that are known, if no message is under way and a run's ranks all are about to enter the same one. */
  #skipRounds(): void {
    const first = this.#next[this.#free[0]!]!;
    if (first === -1) return;
    const run = this.#byRank.runOf[first >> 1]!;
    const round = this.#round[this.#free[0]!]!;
    const { start, source, target } = this.#traffic.paths.runs;
    const isThere = (rank: number): boolean =>
      this.#pending[rank] === 0 &&
      this.#round[rank] === round &&
      this.#byRank.runOf[this.#next[rank]! >> 1] === run;
    for (let place = start[run]!; place < start[run + 1]!; place++)
      if (!isThere(source[place]!) || !isThere(target[place]!)) return;
    const skipped = this.#lockstep.skip(run, round, this.finishSeconds);
    for (let place = start[run]!; place < start[run + 1]!; place++) {
      this.#round[source[place]!] = round + skipped;
      this.#round[target[place]!] = round + skipped;
    }
  }

  /** Let ranks that are done with a step enter their next, and those that this frees. */
  #enterSteps(): void {
    const { nextEntry, runOf } = this.#byRank;
    const { rounds, start, firstMessage } = this.#traffic.paths.runs;
    const isExpected = this.#isExpected;
    while (this.#free.length > 0) {
      const rank = this.#free.pop()!;
      const first = this.#next[rank]!;
      if (first === -1) continue;
      this.#entered[rank] = this.finishSeconds[rank]! + this.#traffic.stepDelaySeconds[rank]!;
      const run = runOf[first >> 1]!;
      let entry = first;
      const round = this.#round[rank]!;
      const shift = firstMessage[run]! + round * (start[run + 1]! - start[run]!) - start[run]!;
      // It waits for itself too until it has entered.
      this.#pending[rank] = 1;
      for (; entry !== -1 && runOf[entry >> 1] === run; entry = nextEntry[entry]!) {
        this.#pending[rank]!++;
        const place = entry >> 1;
        // The second of a message's ranks starts it.
        if (isExpected[place] === 1) this.#begin(place, place + shift);
        isExpected[place]! ^= 1;
      }
      const isLast = round + 1 === rounds[run];
      this.#next[rank] = isLast ? entry : first;
      this.#round[rank] = isLast ? 0 : round + 1;
      this.#stopWaiting(rank);
    }
  }

  /** Both of a message's ranks have entered its step. */
  #begin(place: number, message: number): void {
    const { schedule, elementBytes, paths, jitterSeconds, times } = this.#traffic;
    const { runs } = paths;
    const start = Math.max(this.#entered[runs.source[place]!]!, this.#entered[runs.target[place]!]!);
    if (times !== undefined) times.startSeconds[message] = start;
    const path = paths.pathOf[place]!;
    let sendSeconds = start + paths.latencySeconds[path]!;
    if (jitterSeconds.length > 0) sendSeconds += jitterSeconds[message]!;
    if (this.#contested.start[path] === this.#contested.start[path + 1]) {
      const payloadBytes = schedule.length[message]! * elementBytes;
      this.#finish(place, message, sendSeconds + payloadBytes / paths.bandwidthBytesPerSecond[path]!);
      return;
    }
    const slot = this.#slots.pop()!;
    this.#placeOf[slot] = place;
    this.#messageOf[slot] = message;
    this.#phase[slot] = paying;
    this.#queue.add(slot, sendSeconds);
  }

  #finish(place: number, message: number, seconds: number): void {
    const { paths, times } = this.#traffic;
    const { runs } = paths;
    if (times !== undefined) times.finishSeconds[message] = seconds;
    this.#release(runs.source[place]!, seconds);
    this.#release(runs.target[place]!, seconds);
  }

  #release(rank: number, seconds: number): void {
    if (seconds > this.finishSeconds[rank]!) this.finishSeconds[rank] = seconds;
    this.#stopWaiting(rank);
  }

  /** A rank has one thing less to wait for. */
  #stopWaiting(rank: number): void {
    this.#pending[rank]!--;
    if (this.#pending[rank] === 0) this.#free.push(rank);
  }
}
