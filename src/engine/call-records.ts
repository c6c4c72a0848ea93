import type { Operation } from "../collectives/schedule.ts";
import type { WireFormat } from "../scenario/number-format.ts";

/** What a rank calls; `leave` is that it ends a pass and will call no more of it. */
const operations = ["all-reduce", "all-gather", "reduce-scatter", "broadcast", "leave"] as const;
const formats = ["float32", "float64", "float16", "bfloat16", "int32", "int64"] as const;

/** One call of a collective, as its rank made it known before it moved anything. */
export interface Call {
  /** Equal on all ranks of a group for the calls that belong together. */
  readonly sequence: number;
  readonly operation: Operation | "leave";
  /** Of one rank's payload. */
  readonly values: number;
  readonly format: WireFormat;
  /** Of the engine's table of groups. */
  readonly group: number;
  /** Which call of its pass the program meant it to be, counted from 0: what tells calls of one shape apart. */
  readonly ordinal: number;
}

/** Calls that are kept of each rank. A rank runs ahead of its peers by broadcasts and ends of passes alone, and never by as many. */
const kept = 8;

const headWords = { begun: 0, count: 1, lostTarget: 2, awaitedLooks: 3, latest: 4 } as const;
const callWords = {
  stamp: 0,
  signature: 1,
  operation: 2,
  values: 3,
  format: 4,
  group: 5,
  ordinal: 6,
} as const;
const headLength = 5;
const callLength = 8;
/** Five cache lines: 5 + 8 · 8 words, rounded up. */
const rankLength = 80;

/**
 * The last calls of every rank in shared memory, for its peers to compare with their own and for whoever has to
 * explain a failure: PyTorch's flight recorder, kept up in every run.
 */
export class CallRecords {
  /** Int32 words for so many ranks. */
  static wordCount(worldSize: number): number {
    return worldSize * rankLength;
  }

  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Make a call known; its signature, equal for calls that go together. */
  begin(rank: number, call: Call): number {
    const words = this.#words;
    const head = rank * rankLength;
    const at = this.#callAt(rank, words[head + headWords.count]!++ & (kept - 1));
    Atomics.store(words, at + callWords.stamp, 0);
    const operation = operations.indexOf(call.operation);
    const format = formats.indexOf(call.format);
    const shape = mix(mix(mix(0x811c9dc5, operation), call.values), format);
    const signature = mix(mix(shape, call.group), call.ordinal);
    words[at + callWords.signature] = signature;
    words[head + headWords.latest] = signature;
    words[at + callWords.operation] = operation;
    words[at + callWords.values] = call.values;
    words[at + callWords.format] = format;
    words[at + callWords.group] = call.group;
    words[at + callWords.ordinal] = call.ordinal;
    Atomics.store(words, at + callWords.stamp, stampOf(call.sequence));
    Atomics.store(words, head + headWords.begun, stampOf(call.sequence));
    return signature;
  }

  /** The signature of the call that a rank of this thread has made known last. */
  latestOf(rank: number): number {
    return this.#words[rank * rankLength + headWords.latest]!;
  }

  /** Whether a rank has begun a call of this number that has another signature. */
  contradicts(rank: number, sequence: number, signature: number): boolean {
    if (!this.hasReached(rank, sequence)) return false;
    const stamp = stampOf(sequence);
    const count = Atomics.load(this.#words, rank * rankLength + headWords.count);
    // From the latest on, which it nearly always is.
    for (let back = 1; back <= kept; back++) {
      const at = this.#callAt(rank, (count - back) & (kept - 1));
      if (Atomics.load(this.#words, at + callWords.stamp) !== stamp) continue;
      const theirs = Atomics.load(this.#words, at + callWords.signature);
      // Not that of one that it has begun since, in the same place.
      if (Atomics.load(this.#words, at + callWords.stamp) === stamp) return theirs !== signature;
    }
    return false;
  }

  /** Whether a rank has begun a call of this number or a later one. */
  hasReached(rank: number, sequence: number): boolean {
    const begun = Atomics.load(this.#words, rank * rankLength + headWords.begun);
    return begun !== 0 && ((begun - stampOf(sequence)) | 0) >= 0;
  }

  /** The calls of a rank that are still kept, the earliest first. */
  callsOf(rank: number): Call[] {
    const calls = Array.from({ length: kept }, (_, slot): Call | null => {
      const at = this.#callAt(rank, slot);
      const read = (name: keyof typeof callWords): number => Atomics.load(this.#words, at + callWords[name]);
      if (read("stamp") === 0) return null;
      return {
        sequence: (read("stamp") - 1) | 0,
        operation: operations[read("operation")]!,
        values: read("values"),
        format: formats[read("format")]!,
        group: read("group"),
        ordinal: read("ordinal"),
      };
    });
    return calls.filter((call) => call !== null).sort((a, b) => (a.sequence - b.sequence) | 0);
  }

  /** Say that a message of a rank has not reached its target and never will. */
  lose(rank: number, target: number): void {
    this.#words[rank * rankLength + headWords.lostTarget] = target + 1;
  }

  /** The rank that a message of this one did not reach, or null. */
  lostTargetOf(rank: number): number | null {
    const target = Atomics.load(this.#words, rank * rankLength + headWords.lostTarget);
    return target === 0 ? null : target - 1;
  }

  /** Somebody who looks at all threads saw so many of them wait for this rank alone. */
  addAwaited(rank: number, threads: number): void {
    Atomics.add(this.#words, rank * rankLength + headWords.awaitedLooks, threads);
  }

  /** How often that was seen, a thread each. */
  awaitedLooksOf(rank: number): number {
    return Atomics.load(this.#words, rank * rankLength + headWords.awaitedLooks);
  }

  #callAt(rank: number, slot: number): number {
    return rank * rankLength + headLength + slot * callLength;
  }
}

/** 0 stands for no call. */
const stampOf = (sequence: number): number => (sequence + 1) | 0;

/** A step of FNV-1a, on words instead of bytes. */
const mix = (hash: number, word: number): number => Math.imul(hash ^ word, 0x01000193);
