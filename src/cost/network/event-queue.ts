/**
 * Keys 0..capacity−1 by time, earliest first, whose times can change. Keys of one time come together.
 *
 * Ranks in lockstep make many events of one time: these form a list, a moment, and a binary heap holds the
 * moments. A time that is not the one that was added last gets a moment of its own, even if there is one.
 */
export class EventQueue {
  // Per key: its moment, its neighbours there, −1 where none.
  readonly #moment: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  // Per moment: its time, its first key, its place in the heap.
  readonly #seconds: Float64Array;
  readonly #first: Int32Array;
  readonly #place: Int32Array;
  readonly #heap: Int32Array;
  #heapCount = 0;
  readonly #unused: Int32Array;
  #unusedCount: number;
  /** The moment that was added last, −1 if it is gone. */
  #latest = -1;

  constructor(capacity: number) {
    this.#moment = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#seconds = new Float64Array(capacity);
    this.#first = new Int32Array(capacity);
    this.#place = new Int32Array(capacity);
    this.#heap = new Int32Array(capacity);
    this.#unused = Int32Array.from({ length: capacity }, (_, moment) => moment);
    this.#unusedCount = capacity;
  }

  /** The earliest time; infinity if there is none. */
  get nextSeconds(): number {
    return this.#heapCount === 0 ? Number.POSITIVE_INFINITY : this.#seconds[this.#heap[0]!]!;
  }

  /** Add a key that is not in the queue. */
  add(key: number, seconds: number): void {
    let moment = this.#latest;
    if (moment === -1 || this.#seconds[moment] !== seconds) {
      moment = this.#unused[--this.#unusedCount]!;
      this.#seconds[moment] = seconds;
      this.#first[moment] = -1;
      this.#latest = moment;
      this.#rise(this.#heapCount++, moment);
    }
    const second = this.#first[moment]!;
    this.#moment[key] = moment;
    this.#next[key] = second;
    this.#previous[key] = -1;
    if (second !== -1) this.#previous[second] = key;
    this.#first[moment] = key;
  }

  /** Change the time of a key that is in the queue. */
  move(key: number, seconds: number): void {
    const moment = this.#moment[key]!;
    const next = this.#next[key]!;
    const previous = this.#previous[key]!;
    if (previous === -1) this.#first[moment] = next;
    else this.#next[previous] = next;
    if (next !== -1) this.#previous[next] = previous;
    if (this.#first[moment] === -1) this.#remove(moment);
    this.add(key, seconds);
  }

  /** Remove all keys of the earliest moment and return the first; `after` says which others there are. */
  take(): number {
    const moment = this.#heap[0]!;
    this.#remove(moment);
    return this.#first[moment]!;
  }

  /** The key after one that was taken; −1 if none. Known until the key is added again. */
  after(key: number): number {
    return this.#next[key]!;
  }

  #remove(moment: number): void {
    this.#unused[this.#unusedCount++] = moment;
    if (moment === this.#latest) this.#latest = -1;
    const last = this.#heap[--this.#heapCount]!;
    if (last === moment) return;
    const place = this.#place[moment]!;
    if (this.#seconds[last]! < this.#seconds[moment]!) this.#rise(place, last);
    else this.#sink(place, last);
  }

  #rise(from: number, moment: number): void {
    const seconds = this.#seconds[moment]!;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = this.#heap[above]!;
      if (this.#seconds[other]! <= seconds) break;
      this.#put(place, other);
      place = above;
    }
    this.#put(place, moment);
  }

  #sink(from: number, moment: number): void {
    const seconds = this.#seconds[moment]!;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#heapCount) break;
      const right = below + 1;
      if (
        right < this.#heapCount &&
        this.#seconds[this.#heap[right]!]! < this.#seconds[this.#heap[below]!]!
      ) {
        below = right;
      }
      const other = this.#heap[below]!;
      if (this.#seconds[other]! >= seconds) break;
      this.#put(place, other);
      place = below;
    }
    this.#put(place, moment);
  }

  #put(place: number, moment: number): void {
    this.#heap[place] = moment;
    this.#place[moment] = place;
  }
}
