import { assert } from "../assert.ts";
import { canBeSampled } from "../collectives/payload-sample.ts";
import { reductionOrderOf } from "../collectives/reduction-order.ts";
import type { Schedule } from "../collectives/schedule.ts";
import type { BlockKernels } from "../kernels/blocks.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import { isHalf, isInteger, type WireFormat } from "../scenario/number-format.ts";
import { type Control, rankWords } from "./control.ts";
import { type FoldProgram, foldChunk } from "./fold-program.ts";
import { isFirstOf, type Meeting, meetingOf, type Party, partyOf } from "./party.ts";
import { isAtLeast, positionOf } from "./position.ts";

/** Looks at a word of another thread by the rank that comes last: some 10 µs, before this thread turns to its other ranks. */
export const looksOfLast: number = 2 ** 14;
/** And when a rank looks again. */
export const looksAgain = 64;

/** What a leader publishes after it has come itself: that all ranks of its thread have; that the thread's part is done. */
const allHere = 1;
const worked = 2;

/** Where a thread's ranks meet those of others. */
interface Place {
  readonly control: Control;
  readonly threadOfRank: readonly number[];
  readonly thread: number;
  readonly blocks: BlockKernels;
  /** Address of `foldBytes` of this thread's own. */
  readonly scratch: number;
  /** Per rank: address of its slots, of so many bytes each. */
  readonly slots: readonly number[];
  readonly slotBytes: number;
}

/** Who does a collective, for which normaliser, in what format. */
interface Caller {
  readonly rank: number;
  readonly group: Group;
  readonly normalizer: number;
  readonly format: WireFormat;
}

/**
 * Collectives of a group without messages: ranks show what they bring, and the last of a thread that comes works for all
 * of its ranks, in the schedule's order of addition.
 *
 * Small vectors are one-shot: each rank brings its own in a slot, every thread sums all of them, and that is all.
 * A slot is written again two collectives later, when every rank has come to the one between and so has read it. (Between passes
 * all threads wait for the coordinator; within one, a rank calls in two groups at most: its normaliser's, and the world.)
 * Of larger ones every thread sums a part, from where the vectors lie, and writes it to all.
 */
export class Rendezvous {
  readonly #place: Place;
  readonly #parties = new WeakMap<Group, Party>();
  /** Groups of the same ranks are one party: what they bring lies in the same slots. */
  readonly #byRanks = new Map<string, Party>();

  constructor(place: Place) {
    this.#place = place;
  }

  /**
   * How a rank's next collective is done here, where that comes to what a schedule's messages do: gathering, or adding numbers
   * that are not rounded further. null: by messages, as the first collective of a normaliser in its first group, because it
   * is sampled step by step.
   */
  meetingOf(schedule: Schedule, { rank, group, normalizer, format }: Caller): Meeting | null {
    if (schedule.stepCount === 0) return null;
    const party = this.#partyOf(group);
    if (canBeSampled(schedule, group.index) && isFirstOf(party, normalizer, rank)) return null;
    if (schedule.operation === "all-gather") return meetingOf(party, schedule);
    if (schedule.operation !== "all-reduce" || isHalf(format) || isInteger(format)) return null;
    return reductionOrderOf(schedule) === null ? null : meetingOf(party, schedule);
  }

  /**
   * A rank comes, with what it brings in place. All ranks of the group do.
   *
   * @param vector of an all-gather: shared by the ranks of this thread.
   */
  come(meeting: Meeting, rank: number, sequence: number, vector: FloatArray): void {
    const { party, isOneShot } = meeting;
    const { control } = this.#place;
    const { words } = control;
    this.#show(rank, vector);
    const signature = control.calls.latestOf(rank);
    // Where it is another call than that of the others here, nobody's will be over.
    const agrees = party.come === 0 || signature === party.signature;
    if (agrees) {
      party.signature = signature;
      party.come++;
    }
    const isLast = party.come === party.local.length;
    if (!isLast || rank !== party.leader)
      Atomics.store(words, control.rankWord(rank, rankWords.published), positionOf(sequence, 0));
    if (agrees && isOneShot) this.#bring(meeting, rank, vector);
    if (!isLast) return;
    party.come = 0;
    party.sequence = sequence;
    party.stage = "here";
    party.bytesPerValue = vector.BYTES_PER_ELEMENT;
    words[control.rankWord(party.leader, rankWords.signature)] = signature;
    this.#publish(party, allHere);
  }

  /** Whether a collective is over for the ranks of this thread; does what it can to have it over. */
  isOver(meeting: Meeting, sequence: number, looks: number): boolean {
    const { party, isOneShot } = meeting;
    if (party.over === sequence) return true;
    if (party.stage === "coming" || party.sequence !== sequence) return false;
    if (party.stage === "here") {
      if (!this.#haveReached(party, allHere, looks)) return false;
      this.#work(meeting);
      if (!isOneShot) this.#publish(party, worked);
      party.stage = "worked";
    }
    if (!isOneShot && !this.#haveReached(party, worked, looks)) return false;
    if (isOneShot) party.shots++;
    party.stage = "coming";
    party.over = sequence;
    return true;
  }

  /** The rank that a collective waits for. */
  awaitedIn({ party }: Meeting, sequence: number): number | null {
    const { control } = this.#place;
    const isBehind = (rank: number, step: number): boolean => {
      const published = Atomics.load(control.words, control.rankWord(rank, rankWords.published));
      return !isAtLeast(published, positionOf(sequence, step));
    };
    if (party.awaited.sequence !== sequence) party.awaited = { sequence, seen: 0 };
    const { awaited, ranks, otherLeaders } = party;
    while (awaited.seen < ranks.length && !isBehind(ranks[awaited.seen]!, 0)) awaited.seen++;
    return ranks[awaited.seen] ?? otherLeaders.find((rank) => isBehind(rank, worked)) ?? null;
  }

  /** Say where a rank's vector lies, mostly where the last one did: others look at the line that it is said in. */
  #show(rank: number, { buffer, byteOffset }: FloatArray): void {
    const { words } = this.#place.control;
    const word = this.#place.control.rankWord(rank, rankWords.payload);
    if (words[word] === (byteOffset | 0)) return;
    assert(buffer === words.buffer, "a payload is out of the others' reach");
    words[word] = byteOffset | 0;
  }

  #publish({ leader, otherThreads, sequence }: Party, step: number): void {
    const { control } = this.#place;
    Atomics.store(control.words, control.rankWord(leader, rankWords.published), positionOf(sequence, step));
    for (const thread of otherThreads) control.ring(thread);
  }

  /**
   * Whether all other threads have come as far in this collective; looks for a while. Those whose ranks make another call
   * never do; one that is in a later collective has seen that its call was the same.
   */
  #haveReached({ otherLeaders, sequence, signature }: Party, step: number, looks: number): boolean {
    const { control, blocks } = this.#place;
    const { words } = control;
    const [wanted, later] = [positionOf(sequence, step), positionOf(sequence + 1, 0)];
    for (const leader of otherLeaders) {
      const word = control.rankWord(leader, rankWords.published);
      if (blocks.reaches(words.byteOffset + 4 * word, wanted, looks) === 0) return false;
      if (words[control.rankWord(leader, rankWords.signature)] === signature) continue;
      if (!isAtLeast(Atomics.load(words, word), later)) return false;
    }
    return true;
  }

  #slotOf({ ranks, shots }: Party, rank: number): number {
    const { threadOfRank, slots, slotBytes } = this.#place;
    const isWorld = ranks.length === threadOfRank.length;
    return slots[rank]! + ((isWorld ? 2 : 0) + (shots & 1)) * slotBytes;
  }

  /** Copy what a rank brings to a one-shot collective into its slot. */
  #bring({ party, program }: Meeting, rank: number, vector: FloatArray): void {
    const { blocks, slotBytes } = this.#place;
    const bytes = program === null ? vector.byteLength / party.ranks.length : vector.byteLength;
    assert(bytes <= slotBytes, `${bytes} bytes for a slot of ${slotBytes}`);
    const start = program === null ? party.ranks.indexOf(rank) * bytes : 0;
    blocks.copy(this.#slotOf(party, rank), vector.byteOffset + start, bytes);
  }

  /** Look up where everything lies that the ranks have brought; sum or gather it. */
  #work(meeting: Meeting): void {
    const { party, program, isOneShot } = meeting;
    const { ranks, places } = party;
    for (let i = 0; i < ranks.length; i++)
      places[i] = isOneShot ? this.#slotOf(party, ranks[i]!) : this.#payloadOf(ranks[i]!);
    if (program === null) this.#gather(meeting);
    else this.#fold(party, program, isOneShot ? party.local : ranks);
  }

  #payloadOf(rank: number): number {
    const { control } = this.#place;
    return control.words[control.rankWord(rank, rankWords.payload)]! >>> 0;
  }

  /** Sum a thread's part and write it to the payloads of ranks. */
  #fold({ ranks, places, bytesPerValue }: Party, program: FoldProgram, targets: readonly number[]): void {
    const { blocks, scratch } = this.#place;
    for (const chunk of program.chunks) {
      foldChunk(blocks, program, chunk, places, ranks.length, scratch, bytesPerValue);
      const start = chunk.start * bytesPerValue;
      for (let i = 0; i < targets.length; i++)
        blocks.copy(this.#payloadOf(targets[i]!) + start, scratch, chunk.end * bytesPerValue - start);
    }
  }

  /** Copy the blocks of other threads' ranks to where this thread's gather. */
  #gather({ party, elements, isOneShot }: Meeting): void {
    const { ranks, places, leader, bytesPerValue } = party;
    const { blocks, threadOfRank, thread } = this.#place;
    const gathered = this.#payloadOf(leader);
    const blockBytes = (elements * bytesPerValue) / ranks.length;
    for (let i = 0; i < ranks.length; i++) {
      if (threadOfRank[ranks[i]!] === thread) continue;
      const at = i * blockBytes;
      blocks.copy(gathered + at, places[i]! + (isOneShot ? 0 : at), blockBytes);
    }
  }

  #partyOf(group: Group): Party {
    let party = this.#parties.get(group);
    if (party === undefined) {
      const { threadOfRank, thread } = this.#place;
      const key = group.ranks.join();
      party = this.#byRanks.get(key) ?? partyOf(group.ranks, threadOfRank, thread);
      this.#byRanks.set(key, party);
      this.#parties.set(group, party);
    }
    return party;
  }
}
