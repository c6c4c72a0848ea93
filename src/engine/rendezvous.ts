import { assert } from "../assert.ts";
import type { Progress } from "../collectives/communicator.ts";
import { canBeSampled } from "../collectives/payload-sample.ts";
import { reductionOrderOf } from "../collectives/reduction-order.ts";
import { blockStart, type Schedule } from "../collectives/schedule.ts";
import type { BlockKernels } from "../kernels/blocks.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import { isHalf, isInteger, type WireFormat } from "../scenario/number-format.ts";
import type { Control } from "./control.ts";
import {
  additionFields,
  type FoldProgram,
  foldProgram,
  scratchBytes,
  scratchesMaximum,
} from "./fold-program.ts";
import { isAtLeast, positionOf } from "./position.ts";
import { ReleasedError } from "./released.ts";

/** Looks at a word of another thread before this one turns to its other ranks: about as long as to wake one. */
const spinsMaximum = 100;
/** A part of a vector begins on a cache line, so that threads do not write into one. */
const partAlignment = 16;

/** Where a thread's ranks meet those of others. */
interface Place {
  readonly control: Control;
  readonly threadOfRank: readonly number[];
  readonly thread: number;
  readonly blocks: BlockKernels;
  /** Address of `foldBytes` of this thread's own. */
  readonly scratch: number;
}

/** Who does a collective, for which normaliser, in what format. */
interface Caller {
  readonly rank: number;
  readonly group: Group;
  readonly normalizer: number;
  readonly format: WireFormat;
}

/** A group as a thread sees it. */
interface Party {
  readonly ranks: readonly number[];
  /** The last rank on each thread that has any: works for all of them. */
  readonly leaders: readonly number[];
  /** The other threads that have any. */
  readonly otherThreads: readonly number[];
  /** This thread's number among those that have any. */
  readonly part: number;
  readonly programs: WeakMap<Schedule, FoldProgram>;
  /** Ranks that have begun a collective here, by normaliser. */
  readonly begun: Set<number>;
  /** Addresses of the ranks' payloads, then of the scratches. */
  readonly places: Float64Array;
}

/**
 * Collectives of a group without messages: ranks show where their payloads lie, one rank per thread works on a part
 * of all of them, and everybody goes on when the parts are done. Each value is read once and written once for
 * each rank that ends with it, where the schedule's messages would copy it at every hop.
 */
export class Rendezvous {
  readonly #place: Place;
  readonly #parties = new WeakMap<Group, Party>();

  constructor(place: Place) {
    this.#place = place;
  }

  /**
   * Whether it comes to what a schedule's messages do: gathering, or adding numbers that are not rounded further. The first
   * collective of a normaliser in its first group goes by messages all the same, because it is sampled step by step.
   */
  takes(schedule: Schedule, { rank, group, normalizer, format }: Caller): boolean {
    if (schedule.stepCount === 0) return false;
    if (canBeSampled(schedule, group.index) && this.#isFirst(group, normalizer, rank)) return false;
    if (schedule.operation === "all-gather") return true;
    const isRounded = isHalf(format) || isInteger(format);
    return schedule.operation === "all-reduce" && !isRounded && reductionOrderOf(schedule) !== null;
  }

  /** Whether a rank has not asked before. All ranks of a group come to the same answer, whatever else they did. */
  #isFirst(group: Group, normalizer: number, rank: number): boolean {
    const { begun, ranks } = this.#partyOf(group);
    const ofRank = normalizer * (ranks.at(-1)! + 1) + rank;
    if (begun.has(ofRank)) return false;
    begun.add(ofRank);
    return true;
  }

  /**
   * Do what a schedule does to the vectors of all ranks. All ranks of the group call it.
   *
   * @param sequence of the collective: each rank publishes that it has come, and then that its part is done.
   * @param vector of an all-gather: shared by the ranks of this thread, each of which has put its block there.
   */
  *execute(
    rank: number,
    group: Group,
    sequence: number,
    schedule: Schedule,
    vector: FloatArray,
  ): Progress<void> {
    const { control } = this.#place;
    assert(vector.buffer === control.words.buffer, "a payload is out of the others' reach");
    const party = this.#partyOf(group);
    control.words[control.rankWord(rank, "payload")] = vector.byteOffset | 0;
    this.#publish(rank, party, positionOf(sequence, 0));
    if (party.leaders.includes(rank)) {
      const arrived = positionOf(sequence, 0);
      if (this.#reached(party.ranks, 0, arrived) < party.ranks.length)
        yield* this.#waitFor(rank, party.ranks, arrived);
      this.#locate(party);
      if (schedule.operation === "all-gather") this.#gather(party, vector);
      else this.#fold(party, vector, schedule);
      this.#publish(rank, party, positionOf(sequence, 1));
    }
    const done = positionOf(sequence, 1);
    if (this.#reached(party.leaders, 0, done) < party.leaders.length)
      yield* this.#waitFor(rank, party.leaders, done);
  }

  #publish(rank: number, { otherThreads }: Party, position: number): void {
    const { control } = this.#place;
    Atomics.store(control.words, control.rankWord(rank, "published"), position);
    for (const thread of otherThreads) control.ring(thread);
  }

  /** Wait until all of `ranks` have published a position. */
  *#waitFor(rank: number, ranks: readonly number[], position: number): Progress<void> {
    const { control } = this.#place;
    let reached = this.#reached(ranks, 0, position);
    for (; reached < ranks.length; reached = this.#reached(ranks, reached, position)) {
      control.await(rank, ranks[reached]!);
      if (control.isAborted) throw new ReleasedError(`rank ${rank} was released`);
      yield;
    }
    control.await(rank, null);
  }

  /** How many of `ranks` have published a position, one after the other; looks at those of other threads for a while. */
  #reached(ranks: readonly number[], first: number, position: number): number {
    const { control, threadOfRank, thread } = this.#place;
    for (let i = first; i < ranks.length; i++) {
      const word = control.rankWord(ranks[i]!, "published");
      let spins = threadOfRank[ranks[i]!] === thread ? 0 : spinsMaximum;
      while (!isAtLeast(Atomics.load(control.words, word), position)) if (spins-- === 0) return i;
    }
    return ranks.length;
  }

  #fold(party: Party, vector: FloatArray, schedule: Schedule): void {
    const { blocks, scratch } = this.#place;
    const bytes = vector.BYTES_PER_ELEMENT;
    const add = bytes === 8 ? blocks.add64 : blocks.add32;
    const program = this.#programOf(party, schedule);
    const { ranks, places } = party;
    for (const { start, end, additions } of program.chunks) {
      for (let k = 0; k < program.scratches; k++)
        places[ranks.length + k] = scratch + k * scratchBytes - start * bytes;
      for (let i = 0; i < additions.length; i += additionFields) {
        const from = additions[i + 3]! * bytes;
        const count = additions[i + 4]! - additions[i + 3]!;
        const [target, a, b] = [
          places[additions[i]!]!,
          places[additions[i + 1]!]!,
          places[additions[i + 2]!]!,
        ];
        add(target + from, a + from, b + from, count);
      }
      for (let i = 0; i < ranks.length; i++)
        blocks.copy(places[i]! + start * bytes, scratch, (end - start) * bytes);
    }
  }

  #gather(party: Party, vector: FloatArray): void {
    const { blocks, threadOfRank, thread } = this.#place;
    const blockBytes = vector.byteLength / party.ranks.length;
    for (const [i, rank] of party.ranks.entries()) {
      if (threadOfRank[rank] === thread) continue;
      blocks.copy(vector.byteOffset + i * blockBytes, party.places[i]! + i * blockBytes, blockBytes);
    }
  }

  /** Look up where the payloads of all ranks lie. */
  #locate({ ranks, places }: Party): void {
    const { control } = this.#place;
    for (let i = 0; i < ranks.length; i++)
      places[i] = control.words[control.rankWord(ranks[i]!, "payload")]! >>> 0;
  }

  #programOf({ programs, part, leaders }: Party, schedule: Schedule): FoldProgram {
    let program = programs.get(schedule);
    if (program === undefined) {
      const { elements } = schedule;
      const startOf = (index: number): number =>
        index === leaders.length
          ? elements
          : partAlignment * Math.floor(blockStart(index, leaders.length, elements) / partAlignment);
      program = foldProgram(reductionOrderOf(schedule)!, startOf(part), startOf(part + 1));
      assert(program.scratches <= scratchesMaximum, `${program.scratches} scratches to sum in`);
      programs.set(schedule, program);
    }
    return program;
  }

  #partyOf(group: Group): Party {
    let party = this.#parties.get(group);
    if (party === undefined) {
      const { threadOfRank, thread } = this.#place;
      const { ranks } = group;
      const leaders = ranks.filter((rank, i) => threadOfRank[rank] !== threadOfRank[ranks[i + 1] ?? -1]);
      const threads = leaders.map((rank) => threadOfRank[rank]!);
      party = {
        ranks,
        leaders,
        otherThreads: threads.filter((other) => other !== thread),
        part: threads.indexOf(thread),
        begun: new Set(),
        programs: new WeakMap(),
        places: new Float64Array(ranks.length + scratchesMaximum),
      };
      this.#parties.set(group, party);
    }
    return party;
  }
}
