import { assert } from "../assert.ts";
import { reductionOrderOf } from "../collectives/reduction-order.ts";
import { blockStart, type Schedule } from "../collectives/schedule.ts";
import { type FoldProgram, foldProgram, scratchesMaximum } from "./fold-program.ts";

/** Values that the ranks of a group may bring to one collective for every thread to work on all of them. */
const oneShotValuesMaximum = 1100;
/** A part of a vector begins on a cache line, so that threads do not write into one. */
const partAlignment = 16;

/** A group of ranks as one thread sees it, and how far their collective has come. */
export interface Party {
  /** Ascending, and so are those of this thread. */
  readonly ranks: readonly number[];
  readonly local: readonly number[];
  /** The last rank of this thread, which speaks for it; and those of the other threads that have any. */
  readonly leader: number;
  readonly otherLeaders: readonly number[];
  readonly otherThreads: readonly number[];
  /** This thread's number among those that have any, and how many they are. */
  readonly part: number;
  readonly parts: number;
  readonly meetings: WeakMap<Schedule, Meeting>;
  /** Ranks that have begun a collective here, by normaliser. */
  readonly begun: Set<number>;
  /** Addresses of what the ranks bring, then of the scratches. */
  readonly places: Float64Array;
  /** Local ranks that have come to the collective under way, all with the same signature. */
  come: number;
  signature: number;
  /** Its number, and what this thread does: its ranks come; it waits for the others' ranks, then for what they do. */
  sequence: number;
  stage: "coming" | "here" | "worked";
  /** The number of the last collective that is over, or NaN. */
  over: number;
  /** In the collective of this number the first ranks have been seen to have come. */
  awaited: { readonly sequence: number; seen: number };
  /** What is brought, in values of so many bytes. */
  bytesPerValue: number;
  /** One-shot collectives before this one. */
  shots: number;
}

/** A collective of a party: worked out once per schedule. */
export interface Meeting {
  readonly party: Party;
  /** Of the schedule's vector. */
  readonly elements: number;
  /** What this thread sums; null where nothing is. */
  readonly program: FoldProgram | null;
  /** Whether every thread works on all of the vector: ranks bring it in slots, and nobody waits for others to have read it. */
  readonly isOneShot: boolean;
}

/** Slots of a rank: two for collectives of the world and two for those of its normaliser's group. */
export const slotsPerRank = 4;

/** Bytes of a slot for a rank of a one-shot collective, a multiple of a cache line; 0 where it is not one. */
export function slotBytesOf({ operation, elements, ranks }: Schedule): number {
  const brought = operation === "all-gather" ? elements / ranks : elements;
  return brought * ranks <= oneShotValuesMaximum ? 64 * Math.ceil(brought / 8) : 0;
}

/** The ranks of a group, as `thread` sees them. */
export function partyOf(ranks: readonly number[], threadOfRank: readonly number[], thread: number): Party {
  const leaders = ranks.filter((rank, i) => threadOfRank[rank] !== threadOfRank[ranks[i + 1] ?? -1]);
  const threads = leaders.map((rank) => threadOfRank[rank]!);
  const part = threads.indexOf(thread);
  return {
    ranks,
    local: ranks.filter((rank) => threadOfRank[rank] === thread),
    leader: leaders[part]!,
    otherLeaders: leaders.filter((_, i) => i !== part),
    otherThreads: threads.filter((_, i) => i !== part),
    part,
    parts: threads.length,
    meetings: new WeakMap(),
    begun: new Set(),
    places: new Float64Array(ranks.length + scratchesMaximum),
    come: 0,
    signature: 0,
    sequence: 0,
    stage: "coming",
    over: Number.NaN,
    awaited: { sequence: Number.NaN, seen: 0 },
    bytesPerValue: 0,
    shots: 0,
  };
}

/** What a party does for a schedule. */
export function meetingOf(party: Party, schedule: Schedule): Meeting {
  let meeting = party.meetings.get(schedule);
  if (meeting === undefined) {
    const isOneShot = slotBytesOf(schedule) > 0;
    const program = programOf(party, schedule, isOneShot);
    meeting = { party, elements: schedule.elements, program, isOneShot };
    party.meetings.set(schedule, meeting);
  }
  return meeting;
}

function programOf({ part, parts }: Party, schedule: Schedule, isOneShot: boolean): FoldProgram | null {
  const { operation, elements } = schedule;
  if (operation === "all-gather") return null;
  const startOf = (index: number): number =>
    index === parts
      ? elements
      : partAlignment * Math.floor(blockStart(index, parts, elements) / partAlignment);
  const [start, end] = isOneShot ? [0, elements] : [startOf(part), startOf(part + 1)];
  const program = foldProgram(reductionOrderOf(schedule)!, start, end);
  assert(program.scratches <= scratchesMaximum, `${program.scratches} scratches to sum in`);
  return program;
}

/** Whether a rank has not asked before, for a normaliser. All ranks of a group come to the same answer, whatever else they did. */
export function isFirstOf({ begun, ranks }: Party, normalizer: number, rank: number): boolean {
  const ofRank = normalizer * (ranks.at(-1)! + 1) + rank;
  if (begun.has(ofRank)) return false;
  begun.add(ofRank);
  return true;
}
