import { CallRecords } from "./call-records.ts";

const lineWords = 16; // one cache line of Int32, so that threads do not share one by accident

/** Words of the control block before the lines of threads and ranks. */
const abortWord = 0;

// Two lines each: what others look at all the time lies apart from what its owner writes all the time.
/** Words of a thread's lines. */
export const threadWords = {
  doorbell: 0,
  wantsBell: 1,
  beats: 16,
  currentRank: 17,
  isWaiting: 18,
} as const;
/** Words of a rank's lines. */
export const rankWords = {
  published: 0,
  payload: 1,
  signature: 2,
  consumedEven: 16,
  consumedOdd: 17,
  trainingStep: 18,
  normalizer: 19,
  phase: 20,
  collective: 21,
  awaitedRank: 22,
} as const;
const wordsEach = 2 * lineWords;

/** What a rank is doing, as the control block shows it to whoever has to explain a failure. */
export const phases = ["idle", "data", "forward", "backward", "comparing", "updating", "evaluating"] as const;
export type Phase = (typeof phases)[number];

/** Bytes of the control block. */
export function controlBytes(worldSize: number, threads: number): number {
  const words = lineWords + (threads + worldSize) * wordsEach + CallRecords.wordCount(worldSize);
  return words * Int32Array.BYTES_PER_ELEMENT;
}

/** Where a rank is, read by others: it may be stale by a moment, never torn inside a field. */
export interface Place {
  readonly trainingStep: number;
  /** Index into the scenario's normalisers. */
  readonly normalizer: number;
  readonly phase: Phase;
  /** Collectives this rank has begun in the run. */
  readonly collective: number;
  /** The rank it waits for, or null. */
  readonly awaitedRank: number | null;
}

/**
 * The shared words by which threads and their coordinator see each other: the abort flag, a doorbell
 * a thread, message counters, the place and the last calls of every rank.
 */
export class Control {
  readonly words: Int32Array;
  readonly calls: CallRecords;
  readonly worldSize: number;
  readonly #threads: number;

  /** @param words of `controlBytes`. */
  constructor(words: Int32Array, worldSize: number, threads: number) {
    this.words = words;
    this.worldSize = worldSize;
    this.#threads = threads;
    this.calls = new CallRecords(words.subarray(lineWords + (threads + worldSize) * wordsEach));
  }

  /** Index of a word of a thread's line. */
  threadWord(thread: number, word: number): number {
    return lineWords + thread * wordsEach + word;
  }

  /** Index of a word of a rank's line. */
  rankWord(rank: number, word: number): number {
    return lineWords + (this.#threads + rank) * wordsEach + word;
  }

  get isAborted(): boolean {
    return Atomics.load(this.words, abortWord) !== 0;
  }

  /** Tell every thread to stop at its next wait, and wake the waiting. */
  abort(): void {
    Atomics.store(this.words, abortWord, 1);
    for (let thread = 0; thread < this.#threads; thread++) this.ring(thread);
  }

  /**
   * Wake a thread because something it may wait for has been written. One that is awake is left alone: it says that it
   * wants to be woken before it looks for the last time.
   */
  ring(thread: number): void {
    if (Atomics.load(this.words, this.threadWord(thread, threadWords.wantsBell)) === 0) return;
    const word = this.threadWord(thread, threadWords.doorbell);
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }

  /** Say where a rank is. */
  enter(rank: number, trainingStep: number, normalizer: number, phase: Phase): void {
    this.words[this.rankWord(rank, rankWords.trainingStep)] = trainingStep;
    this.words[this.rankWord(rank, rankWords.normalizer)] = normalizer;
    this.words[this.rankWord(rank, rankWords.phase)] = phases.indexOf(phase);
  }

  /** Say that a rank waits for another, or with null that it does not. */
  await(rank: number, awaited: number | null): void {
    this.words[this.rankWord(rank, rankWords.awaitedRank)] = awaited === null ? 0 : awaited + 1;
  }

  placeOf(rank: number): Place {
    const read = (word: number): number => Atomics.load(this.words, this.rankWord(rank, word));
    const awaited = read(rankWords.awaitedRank);
    return {
      trainingStep: read(rankWords.trainingStep),
      normalizer: read(rankWords.normalizer),
      phase: phases[read(rankWords.phase)] ?? "idle",
      collective: read(rankWords.collective),
      awaitedRank: awaited === 0 ? null : awaited - 1,
    };
  }

  /** Changes whenever a thread gets anywhere. */
  beatsOf(thread: number): number {
    return Atomics.load(this.words, this.threadWord(thread, threadWords.beats));
  }

  /** The rank a thread runs at this moment, or ran last. */
  currentRankOf(thread: number): number {
    return Atomics.load(this.words, this.threadWord(thread, threadWords.currentRank));
  }

  isWaiting(thread: number): boolean {
    return Atomics.load(this.words, this.threadWord(thread, threadWords.isWaiting)) !== 0;
  }
}
