import { assert } from "../../assert.ts";
import { EventQueue } from "./event-queue.ts";
import { FairShare } from "./fair-share.ts";
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
  // Per rank: the first entry of its next step, what its step still waits for, when it entered it.
  readonly #next: Int32Array;
  readonly #pending: Uint32Array;
  readonly #entered: Float64Array;
  /** Ranks that are done with a step and have not been told. */
  readonly #free: number[] = [];
  /** Per message: 1 if one of its ranks has entered its step. */
  readonly #isExpected: Uint8Array;
  // Messages that may meet others have a slot while they are under way.
  readonly #queue: EventQueue;
  readonly #flows: FairShare;
  readonly #messageOf: Uint32Array;
  readonly #phase: Uint8Array;
  readonly #slots: number[] = [];

  constructor(traffic: Traffic, contested: LinkLists, bandwidthBytesPerSecond: Float64Array) {
    const { schedule, startSeconds } = traffic;
    this.#traffic = traffic;
    this.#contested = contested;
    this.finishSeconds = startSeconds.slice();
    this.#byRank = rankMessages(schedule);
    this.#next = this.#byRank.firstEntry.slice();
    this.#pending = new Uint32Array(schedule.ranks);
    this.#entered = new Float64Array(schedule.ranks);
    this.#isExpected = new Uint8Array(schedule.source.length);
    const capacity = this.#byRank.mostAtOnce;
    this.#queue = new EventQueue(capacity);
    this.#flows = new FairShare(bandwidthBytesPerSecond, contested, capacity, this.#queue);
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
        this.#advance(this.#queue.take(), now);
        this.#enterSteps();
      }
      this.#flows.settle(now);
    }
    const stuck = this.#pending.findIndex((pending) => pending > 0);
    assert(stuck === -1, `rank ${stuck} waits for ${this.#pending[stuck]} messages that nobody sends`);
  }

  /** A message in a slot has paid its latency, or is through. */
  #advance(slot: number, seconds: number): void {
    const message = this.#messageOf[slot]!;
    const { schedule, elementBytes, paths } = this.#traffic;
    if (this.#phase[slot] === paying) {
      this.#phase[slot] = flowing;
      this.#flows.begin(slot, paths.pathOf[message]!, schedule.length[message]! * elementBytes, seconds);
      return;
    }
    this.#flows.end(slot);
    this.#slots.push(slot);
    this.#finish(message, seconds);
  }

  /** Let ranks that are done with a step enter their next, and those that this frees. */
  #enterSteps(): void {
    const { nextEntry, stepOf } = this.#byRank;
    while (this.#free.length > 0) {
      const rank = this.#free.pop()!;
      const first = this.#next[rank]!;
      if (first === -1) continue;
      this.#entered[rank] = this.finishSeconds[rank]! + this.#traffic.stepDelaySeconds[rank]!;
      const step = stepOf[first >> 1]!;
      let entry = first;
      let pending = 0;
      for (; entry !== -1 && stepOf[entry >> 1] === step; entry = nextEntry[entry]!) pending++;
      this.#next[rank] = entry;
      this.#pending[rank] = pending;
      for (let own = first; own !== entry; own = nextEntry[own]!) this.#expect(own >> 1);
    }
  }

  /** One of a message's ranks has entered its step; the second one starts it. */
  #expect(message: number): void {
    if (this.#isExpected[message] === 0) {
      this.#isExpected[message] = 1;
      return;
    }
    const { schedule, elementBytes, paths, jitterSeconds, times } = this.#traffic;
    const start = Math.max(
      this.#entered[schedule.source[message]!]!,
      this.#entered[schedule.target[message]!]!,
    );
    if (times !== undefined) times.startSeconds[message] = start;
    const path = paths.pathOf[message]!;
    let sendSeconds = start + paths.latencySeconds[path]!;
    if (jitterSeconds.length > 0) sendSeconds += jitterSeconds[message]!;
    if (this.#contested.start[path] === this.#contested.start[path + 1]) {
      const payloadBytes = schedule.length[message]! * elementBytes;
      this.#finish(message, sendSeconds + payloadBytes / paths.bandwidthBytesPerSecond[path]!);
      return;
    }
    const slot = this.#slots.pop()!;
    this.#messageOf[slot] = message;
    this.#phase[slot] = paying;
    this.#queue.add(slot, sendSeconds);
  }

  #finish(message: number, seconds: number): void {
    const { schedule, times } = this.#traffic;
    if (times !== undefined) times.finishSeconds[message] = seconds;
    this.#release(schedule.source[message]!, seconds);
    this.#release(schedule.target[message]!, seconds);
  }

  #release(rank: number, seconds: number): void {
    if (seconds > this.finishSeconds[rank]!) this.finishSeconds[rank] = seconds;
    this.#pending[rank]!--;
    if (this.#pending[rank] === 0) this.#free.push(rank);
  }
}
