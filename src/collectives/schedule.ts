import { assert } from "../assert.ts";

/** What a collective does to the vectors of its ranks. */
export type Operation = "all-reduce" | "all-gather" | "reduce-scatter" | "broadcast";

/**
 * A collective as data: steps of messages between ranks 0..ranks-1 of one group.
 *
 * Every rank holds one vector of `elements` elements. A message carries the circular range
 * [offset, offset + length) mod `elements` of the source's vector into the same range of the
 * target's vector, which adds it (`reduces`) or overwrites it.
 *
 * **Order.** Inside a step every send reads the vector as it was when the step began; then each
 * target applies what it received in message order. A reduction computes `own + incoming`.
 *
 * Struct of arrays, no object per message: a ring all-gather over 1024 ranks has a million messages.
 */
export interface Schedule {
  readonly operation: Operation;
  readonly algorithm: string;
  readonly ranks: number;
  /** Elements in each rank's vector (all-gather: ranks times one rank's contribution). */
  readonly elements: number;
  readonly stepCount: number;
  /** Messages of step s are stepStart[s] <= i < stepStart[s + 1]. Length stepCount + 1. */
  readonly stepStart: Uint32Array;
  readonly source: Uint32Array;
  readonly target: Uint32Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  /** 1: the target adds the range to its own; 0: the target's range is overwritten. */
  readonly reduces: Uint8Array;
}

/** What a schedule is made for. */
export interface ScheduleRequest {
  /** Ranks in the group, >= 1. */
  readonly ranks: number;
  /**
   * Elements one rank contributes, >= 0. all-reduce, reduce-scatter, broadcast: the whole vector.
   * all-gather: one rank's block, so that the vector has ranks times as many elements.
   */
  readonly payloadElements: number;
  /** Ranks on one node, for two-level algorithms: rank r sits on node floor(r / ranksPerNode). */
  readonly ranksPerNode: number;
}

/**
 * First element of block `index` when `elements` are split into `count` blocks that differ by at
 * most one; blockStart(count) is `elements`. Reduce-scatter leaves block r of the sum on rank r.
 */
export function blockStart(index: number, count: number, elements: number): number {
  return Math.floor((index * elements) / count);
}

/** First elements of `count` blocks and, last, `elements`: block i is starts[i] <= element < starts[i + 1]. */
export function blockStarts(count: number, elements: number): number[] {
  return Array.from({ length: count + 1 }, (_, index) => blockStart(index, count, elements));
}

/** Collects messages step by step; zero-length messages are dropped, because nothing would move. */
export class ScheduleBuilder {
  readonly #stepStart: number[] = [0];
  // One column per field of a message; all double together when full.
  #source: Uint32Array = new Uint32Array(64);
  #target: Uint32Array = new Uint32Array(64);
  #offset: Uint32Array = new Uint32Array(64);
  #length: Uint32Array = new Uint32Array(64);
  #reduces: Uint8Array = new Uint8Array(64);
  #count = 0;

  /** Add a message to the current step. */
  send(source: number, target: number, offset: number, length: number, kind: "reduce" | "copy"): void {
    if (length === 0) return;
    if (this.#count === this.#source.length) this.#grow();
    const at = this.#count++;
    this.#source[at] = source;
    this.#target[at] = target;
    this.#offset[at] = offset;
    this.#length[at] = length;
    this.#reduces[at] = kind === "reduce" ? 1 : 0;
  }

  /** Close the current step; a step in which nothing moves is not kept. */
  endStep(): void {
    if (this.#count > this.#stepStart.at(-1)!) this.#stepStart.push(this.#count);
  }

  /** @throws AssertionError if a step is still open or an element's index would not fit in 32 bits. */
  build(operation: Operation, algorithm: string, ranks: number, elements: number): Schedule {
    assert(this.#stepStart.at(-1) === this.#count, `${algorithm}: the last step was not ended`);
    assert(elements < 2 ** 32, `${algorithm}: a vector of ${elements} elements, 2^32 - 1 are possible`);
    return {
      operation,
      algorithm,
      ranks,
      elements,
      stepCount: this.#stepStart.length - 1,
      stepStart: Uint32Array.from(this.#stepStart),
      source: this.#source.slice(0, this.#count),
      target: this.#target.slice(0, this.#count),
      offset: this.#offset.slice(0, this.#count),
      length: this.#length.slice(0, this.#count),
      reduces: this.#reduces.slice(0, this.#count),
    };
  }

  #grow(): void {
    this.#source = widen(this.#source, new Uint32Array(2 * this.#count));
    this.#target = widen(this.#target, new Uint32Array(2 * this.#count));
    this.#offset = widen(this.#offset, new Uint32Array(2 * this.#count));
    this.#length = widen(this.#length, new Uint32Array(2 * this.#count));
    this.#reduces = widen(this.#reduces, new Uint8Array(2 * this.#count));
  }
}

/** A longer column with the values of a full one. */
export function widen<T extends Uint32Array | Uint8Array>(column: T, wider: T): T {
  wider.set(column);
  return wider;
}
