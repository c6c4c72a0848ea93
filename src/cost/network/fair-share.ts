import type { EventQueue } from "./event-queue.ts";
import type { LinkLists } from "./paths.ts";

/** Rates that differ by less are one rate: some thousand roundings of float64. */
const rateTolerance = 1e-12;

/**
 * Flows that share links max-min fairly: no flow can get more without taking from one that has no more.
 *
 * Rates come from progressive filling: all flows grow alike until a link is full; those over it stay, the
 * others go on. When a flow comes or goes, only flows that are joined to it by shared links are looked at.
 *
 * @see Bertsekas, Gallager (1992), Data Networks, section 6.5.2
 */
export class FairShare {
  readonly #bandwidth: Float64Array;
  readonly #paths: LinkLists;
  readonly #queue: EventQueue;
  // Per flow.
  readonly #path: Uint32Array;
  readonly #remainingBytes: Float64Array;
  readonly #rate: Float64Array;
  readonly #rateNext: Float64Array;
  readonly #updatedSeconds: Float64Array;
  /** Per link: the first of its flows' entries, −1 if none; an entry is (flow << hopBits) + hop. */
  readonly #firstEntry: Int32Array;
  readonly #nextEntry: Int32Array;
  readonly #previousEntry: Int32Array;
  readonly #hopBits: number;
  // Per link, while rates are being found.
  readonly #spare: Float64Array;
  readonly #growing: Int32Array;
  /** Which search has seen a link or a flow. */
  readonly #linkSearch: Int32Array;
  readonly #flowSearch: Int32Array;
  #search = 1;
  /** Links of flows that came or went since the last `settle`, and what is joined to them. */
  readonly #joined: Int32Array;
  #joinedCount = 0;
  readonly #joinedFlows: Int32Array;

  constructor(bandwidth: Float64Array, paths: LinkLists, capacity: number, queue: EventQueue) {
    const links = bandwidth.length;
    this.#bandwidth = bandwidth;
    this.#paths = paths;
    this.#queue = queue;
    const longest = paths.start.reduce(
      (most, end, path) => Math.max(most, end - (paths.start[path - 1] ?? 0)),
      1,
    );
    this.#hopBits = Math.ceil(Math.log2(longest));
    this.#path = new Uint32Array(capacity);
    this.#remainingBytes = new Float64Array(capacity);
    this.#rate = new Float64Array(capacity);
    this.#rateNext = new Float64Array(capacity);
    this.#updatedSeconds = new Float64Array(capacity);
    this.#firstEntry = new Int32Array(links).fill(-1);
    this.#nextEntry = new Int32Array(capacity << this.#hopBits);
    this.#previousEntry = new Int32Array(capacity << this.#hopBits);
    this.#spare = new Float64Array(links);
    this.#growing = new Int32Array(links);
    this.#linkSearch = new Int32Array(links);
    this.#flowSearch = new Int32Array(capacity);
    this.#joined = new Int32Array(links);
    this.#joinedFlows = new Int32Array(capacity);
  }

  /** A flow comes, which is not in the queue; it moves nothing until `settle`, which puts its end there. */
  begin(flow: number, path: number, payloadBytes: number, seconds: number): void {
    this.#path[flow] = path;
    this.#remainingBytes[flow] = payloadBytes;
    this.#rate[flow] = 0;
    this.#updatedSeconds[flow] = seconds;
    const { start, links } = this.#paths;
    for (let at = start[path]!, entry = flow << this.#hopBits; at < start[path + 1]!; at++, entry++) {
      const link = links[at]!;
      const second = this.#firstEntry[link]!;
      this.#nextEntry[entry] = second;
      this.#previousEntry[entry] = -1;
      if (second !== -1) this.#previousEntry[second] = entry;
      this.#firstEntry[link] = entry;
      this.#join(link);
    }
  }

  /** A flow goes, which was taken from the queue. */
  end(flow: number): void {
    const { start, links } = this.#paths;
    const path = this.#path[flow]!;
    for (let at = start[path]!, entry = flow << this.#hopBits; at < start[path + 1]!; at++, entry++) {
      const link = links[at]!;
      const next = this.#nextEntry[entry]!;
      const previous = this.#previousEntry[entry]!;
      if (previous === -1) this.#firstEntry[link] = next;
      else this.#nextEntry[previous] = next;
      if (next !== -1) this.#previousEntry[next] = previous;
      this.#join(link);
    }
  }

  /** Give every flow that is joined to a change its rate from now on, and its end. */
  settle(seconds: number): void {
    const flowCount = this.#joinFlows();
    this.#fill();
    for (let i = 0; i < flowCount; i++) {
      const flow = this.#joinedFlows[i]!;
      const rate = this.#rate[flow]!;
      const rateNext = this.#rateNext[flow]!;
      if (Math.abs(rateNext - rate) <= rateTolerance * rate) continue;
      const sentBytes = rate * (seconds - this.#updatedSeconds[flow]!);
      this.#remainingBytes[flow] = Math.max(0, this.#remainingBytes[flow]! - sentBytes);
      this.#rate[flow] = rateNext;
      this.#updatedSeconds[flow] = seconds;
      const endSeconds = seconds + this.#remainingBytes[flow]! / rateNext;
      if (rate === 0) this.#queue.add(flow, endSeconds);
      else this.#queue.move(flow, endSeconds);
    }
    this.#joinedCount = 0;
    this.#search++;
  }

  #join(link: number): void {
    if (this.#linkSearch[link] === this.#search) return;
    this.#linkSearch[link] = this.#search;
    this.#joined[this.#joinedCount++] = link;
  }

  /** Follow links to flows and flows to links; returns the number of flows found. */
  #joinFlows(): number {
    const { start, links } = this.#paths;
    const nextEntry = this.#nextEntry;
    const flowSearch = this.#flowSearch;
    const hopBits = this.#hopBits;
    let flowCount = 0;
    for (let i = 0; i < this.#joinedCount; i++) {
      const link = this.#joined[i]!;
      let growing = 0;
      for (let entry = this.#firstEntry[link]!; entry !== -1; entry = nextEntry[entry]!) {
        growing++;
        const flow = entry >> hopBits;
        if (flowSearch[flow] === this.#search) continue;
        flowSearch[flow] = this.#search;
        this.#rateNext[flow] = 0;
        this.#joinedFlows[flowCount++] = flow;
        const path = this.#path[flow]!;
        for (let at = start[path]!; at < start[path + 1]!; at++) this.#join(links[at]!);
      }
      this.#growing[link] = growing;
      this.#spare[link] = this.#bandwidth[link]!;
    }
    return flowCount;
  }

  /** Progressive filling over the joined links. */
  #fill(): void {
    for (;;) {
      let count = 0;
      let share = Number.POSITIVE_INFINITY;
      for (let i = 0; i < this.#joinedCount; i++) {
        const link = this.#joined[i]!;
        if (this.#growing[link] === 0) continue;
        this.#joined[count++] = link;
        share = Math.min(share, this.#spare[link]! / this.#growing[link]!);
      }
      this.#joinedCount = count;
      if (count === 0) return;
      const full = share * (1 + rateTolerance);
      for (let i = 0; i < count; i++) {
        const link = this.#joined[i]!;
        if (this.#growing[link]! > 0 && this.#spare[link]! <= full * this.#growing[link]!)
          this.#stop(link, share);
      }
    }
  }

  /** The link is full: the flows over it that still grow have their rate. */
  #stop(link: number, share: number): void {
    const { start, links } = this.#paths;
    for (let entry = this.#firstEntry[link]!; entry !== -1; entry = this.#nextEntry[entry]!) {
      const flow = entry >> this.#hopBits;
      if (this.#rateNext[flow] !== 0) continue;
      this.#rateNext[flow] = share;
      const path = this.#path[flow]!;
      for (let at = start[path]!; at < start[path + 1]!; at++) {
        this.#spare[links[at]!]! -= share;
        this.#growing[links[at]!]!--;
      }
    }
  }
}
