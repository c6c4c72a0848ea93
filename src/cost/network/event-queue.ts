/**
 * Keys 0..capacity−1 by time, earliest first: a binary heap that knows where each key is, so that a time
 * can change. Keys of one time come in any order.
 */
export class EventQueue {
  readonly #times: Float64Array;
  readonly #heap: Int32Array;
  /** Per key: its place in the heap. Only of keys in the queue. */
  readonly #place: Int32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#heap = new Int32Array(capacity);
    this.#place = new Int32Array(capacity);
  }

  /** The earliest time; infinity if there is none. */
  get nextSeconds(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]!]!;
  }

  /** Add a key that is not in the queue. */
  add(key: number, seconds: number): void {
    this.#times[key] = seconds;
    this.#rise(this.#count++, key);
  }

  /** Change the time of a key that is in the queue. */
  move(key: number, seconds: number): void {
    const isEarlier = seconds < this.#times[key]!;
    this.#times[key] = seconds;
    if (isEarlier) this.#rise(this.#place[key]!, key);
    else this.#sink(this.#place[key]!, key);
  }

  /** The time of a key, also of the one that was taken last. */
  secondsOf(key: number): number {
    return this.#times[key]!;
  }

  /** Remove the earliest key and return it. */
  take(): number {
    const first = this.#heap[0]!;
    this.#count--;
    if (this.#count > 0) this.#sink(0, this.#heap[this.#count]!);
    return first;
  }

  #rise(from: number, key: number): void {
    const seconds = this.#times[key]!;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = this.#heap[above]!;
      if (this.#times[other]! <= seconds) break;
      this.#put(place, other);
      place = above;
    }
    this.#put(place, key);
  }

  #sink(from: number, key: number): void {
    const seconds = this.#times[key]!;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#count) break;
      const right = below + 1;
      if (right < this.#count && this.#times[this.#heap[right]!]! < this.#times[this.#heap[below]!]!) {
        below = right;
      }
      const other = this.#heap[below]!;
      if (this.#times[other]! >= seconds) break;
      this.#put(place, other);
      place = below;
    }
    this.#put(place, key);
  }

  #put(place: number, key: number): void {
    this.#heap[place] = key;
    this.#place[key] = place;
  }
}
