import { CallRecords } from "./call-records.ts";

const lineWords = 16; // one cache line of Int32, so that threads do not share one by accident

/** Words of the control block before the lines of threads and ranks. */
const abortWord = 0;

const threadWords = { doorbell: 0, beats: 1, currentRank: 2, isWaiting: 3 } as const;
const rankWords = {
  published: 0,
  consumedEven: 1,
  consumedOdd: 2,
  trainingStep: 3,
  normalizer: 4,
  phase: 5,
  collective: 6,
  awaitedRank: 7,
  payload: 8,
} as const;

/** What a rank is doing, as the control block shows it to whoever has to explain a failure. */
export const phases = ["idle", "data", "forward", "backward", "comparing", "updating", "evaluating"] as const;
export type Phase = (typeof phases)[number];

/** Bytes of the control block. */
export function controlBytes(worldSize: number, threads: number): number {
  const words = (1 + threads + worldSize) * lineWords + CallRecords.wordCount(worldSize);
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
    this.calls = new CallRecords(words.subarray((1 + threads + worldSize) * lineWords));
  }

  /** Index of a word of a thread's line. */
  threadWord(thread: number, name: keyof typeof threadWords): number {
    return (1 + thread) * lineWords + threadWords[name];
  }

  /** Index of a word of a rank's line. */
  rankWord(rank: number, name: keyof typeof rankWords): number {
    return (1 + this.#threads + rank) * lineWords + rankWords[name];
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
   * Wake a thread because something it may wait for has happened. One that is awake needs no call of the system: it says that
   * it waits before it looks at its doorbell for the last time.
   */
  ring(thread: number): void {
    const word = this.threadWord(thread, "doorbell");
    Atomics.add(this.words, word, 1);
    if (this.isWaiting(thread)) Atomics.notify(this.words, word);
  }

  /** Say where a rank is. */
  enter(rank: number, trainingStep: number, normalizer: number, phase: Phase): void {
    this.words[this.rankWord(rank, "trainingStep")] = trainingStep;
    this.words[this.rankWord(rank, "normalizer")] = normalizer;
    this.words[this.rankWord(rank, "phase")] = phases.indexOf(phase);
  }

  /** Say that a rank waits for another, or with null that it does not. */
  await(rank: number, awaited: number | null): void {
    this.words[this.rankWord(rank, "awaitedRank")] = awaited === null ? 0 : awaited + 1;
  }

  placeOf(rank: number): Place {
    const read = (name: keyof typeof rankWords): number =>
      Atomics.load(this.words, this.rankWord(rank, name));
    const awaited = read("awaitedRank");
    return {
      trainingStep: read("trainingStep"),
      normalizer: read("normalizer"),
      phase: phases[read("phase")] ?? "idle",
      collective: read("collective"),
      awaitedRank: awaited === 0 ? null : awaited - 1,
    };
  }

  /** Changes whenever a thread gets anywhere. */
  beatsOf(thread: number): number {
    return Atomics.load(this.words, this.threadWord(thread, "beats"));
  }

  /** The rank a thread runs at this moment, or ran last. */
  currentRankOf(thread: number): number {
    return Atomics.load(this.words, this.threadWord(thread, "currentRank"));
  }

  isWaiting(thread: number): boolean {
    return Atomics.load(this.words, this.threadWord(thread, "isWaiting")) !== 0;
  }
}
