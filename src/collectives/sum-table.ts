import { widen } from "./schedule.ts";

/**
 * Sums of ranks' payloads, numbered: r < ranks is the payload of rank r, a later number the sum of two others. Equal
 * sums have one number, whichever operand came first.
 */
export class SumTable {
  readonly ranks: number;
  #left: Uint32Array = new Uint32Array(64);
  #right: Uint32Array = new Uint32Array(64);
  #scratches: Uint8Array = new Uint8Array(64);
  #count = 0;
  /** Open addressing: 1 + index of a sum, or 0. */
  #slots: Uint32Array = new Uint32Array(256);

  constructor(ranks: number) {
    this.ranks = ranks;
  }

  /** The operands of a sum; undefined for a rank's payload. */
  operandsOf(sum: number): readonly [number, number] | undefined {
    if (sum < this.ranks) return undefined;
    return [this.#left[sum - this.ranks]!, this.#right[sum - this.ranks]!];
  }

  /**
   * Partial sums to be kept at once while a sum is worked out, the larger side first.
   *
   * @see Sethi, Ullman (1970), doi 10.1145/321607.321620
   */
  scratchesOf(sum: number): number {
    return sum < this.ranks ? 0 : this.#scratches[sum - this.ranks]!;
  }

  /** The number of a + b. */
  of(a: number, b: number): number {
    const [left, right] = a < b ? [a, b] : [b, a];
    if (2 * this.#count >= this.#slots.length) this.#rehash();
    const slot = this.#find(left, right);
    const found = this.#slots[slot]!;
    if (found > 0) return this.ranks + found - 1;
    if (this.#count === this.#left.length) this.#grow();
    this.#left[this.#count] = left;
    this.#right[this.#count] = right;
    const [first, second] = [this.scratchesOf(left), this.scratchesOf(right)];
    this.#scratches[this.#count] = first === second ? first + 1 : Math.max(first, second);
    this.#slots[slot] = ++this.#count;
    return this.ranks + this.#count - 1;
  }

  #find(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    // Multipliers of Knuth (TAOCP 3, 6.4) and of xxHash.
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      const found = this.#slots[slot]!;
      if (found === 0 || (this.#left[found - 1] === left && this.#right[found - 1] === right)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #rehash(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let i = 0; i < this.#count; i++) this.#slots[this.#find(this.#left[i]!, this.#right[i]!)] = i + 1;
  }

  #grow(): void {
    this.#left = widen(this.#left, new Uint32Array(2 * this.#count));
    this.#right = widen(this.#right, new Uint32Array(2 * this.#count));
    this.#scratches = widen(this.#scratches, new Uint8Array(2 * this.#count));
  }
}
