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

/** Collects messages step by step; zero-length messages are dropped, because nothing would move. */
export class ScheduleBuilder {
  readonly #stepStart: number[] = [0];
  readonly #source: number[] = [];
  readonly #target: number[] = [];
  readonly #offset: number[] = [];
  readonly #length: number[] = [];
  readonly #reduces: number[] = [];

  /** Add a message to the current step. */
  send(source: number, target: number, offset: number, length: number, kind: "reduce" | "copy"): void {
    if (length === 0) return;
    this.#source.push(source);
    this.#target.push(target);
    this.#offset.push(offset);
    this.#length.push(length);
    this.#reduces.push(kind === "reduce" ? 1 : 0);
  }

  /** Close the current step; a step in which nothing moves is not kept. */
  endStep(): void {
    if (this.#source.length > this.#stepStart.at(-1)!) this.#stepStart.push(this.#source.length);
  }

  build(operation: Operation, algorithm: string, ranks: number, elements: number): Schedule {
    return {
      operation,
      algorithm,
      ranks,
      elements,
      stepCount: this.#stepStart.length - 1,
      stepStart: Uint32Array.from(this.#stepStart),
      source: Uint32Array.from(this.#source),
      target: Uint32Array.from(this.#target),
      offset: Uint32Array.from(this.#offset),
      length: Uint32Array.from(this.#length),
      reduces: Uint8Array.from(this.#reduces),
    };
  }
}
