import type { Track } from "../trace/timeline.ts";
import { expectedMaximum } from "./skew.ts";

/** How fast equal ranks drift apart: after `t` seconds of work their standard deviation is √(jitter · t). */
export interface Jitter {
  /** Of the host thread. */
  readonly hostSeconds: number;
  /** Of the kernels. */
  readonly deviceSeconds: number;
}

/** Something that took one track of the rank for a while. */
export interface Slice {
  readonly track: Track;
  readonly name: string;
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** Whether it is waiting for slower ranks, before the collective that is the next slice. */
  readonly isSkew: boolean;
}

/** A collective as the rank sees it. */
export interface CollectiveCall {
  /** Whose it is, and what. */
  readonly owner: string;
  readonly what: string;
  /** From the moment the slowest rank has come. */
  readonly seconds: number;
  /** Of the host thread, to issue it. */
  readonly launchSeconds: number;
}

/** Work since ranks last waited for one another. */
interface Work {
  hostSeconds: number;
  deviceSeconds: number;
}

/** What a step spent: host work, kernels, collectives at barriers, waiting there for slower ranks. */
export interface Spent {
  hostSeconds: number;
  deviceSeconds: number;
  barrierSeconds: number;
  skewSeconds: number;
}

/**
 * One rank that stands for all: a host thread that launches, a compute stream and a communication
 * stream that each run in order what they were given, once the host has launched it.
 *
 * Ranks are equal and drift apart at random. Where they wait for one another, all wait for the slowest
 * host and the slowest device: each is late by the expected largest of that many normal delays. Leaving
 * together, devices are in step again; hosts only once they wait for their device.
 */
export class Streams {
  hostSeconds = 0;
  computeSeconds = 0;
  communicationSeconds = 0;
  /** What was done in total, whether or not anything waited for it. */
  readonly spent: Spent = { hostSeconds: 0, deviceSeconds: 0, barrierSeconds: 0, skewSeconds: 0 };
  readonly #jitter: Jitter;
  readonly #record: ((slice: Slice) => void) | undefined;
  /** Of the last barrier. */
  #ranksInStep = 1;
  readonly #sinceBarrier: Work = { hostSeconds: 0, deviceSeconds: 0 };

  constructor(jitter: Jitter, record?: (slice: Slice) => void) {
    this.#jitter = jitter;
    this.#record = record;
  }

  /** Launch a kernel on the compute stream. `owner` and `what` name it; they are joined only for a record. */
  launch(owner: string, what: string, kernelSeconds: number, launchSeconds: number): void {
    this.work(owner, what, launchSeconds);
    const start = Math.max(this.computeSeconds, this.hostSeconds);
    this.computeSeconds = start + kernelSeconds;
    this.#sinceBarrier.deviceSeconds += kernelSeconds;
    this.spent.deviceSeconds += kernelSeconds;
    if (this.#record) this.#slice("compute", owner, what, start, kernelSeconds);
  }

  /** The host works. */
  work(owner: string, what: string, seconds: number): void {
    if (this.#record) this.#slice("host", owner, what, this.hostSeconds, seconds);
    this.hostSeconds += seconds;
    this.#sinceBarrier.hostSeconds += seconds;
    this.spent.hostSeconds += seconds;
  }

  /** The host waits until the compute stream is done, and takes that long to notice. */
  drain(owner: string, what: string, seconds: number): void {
    const start = this.hostSeconds;
    if (start < this.computeSeconds && this.#ranksInStep > 1) this.#sinceBarrier.hostSeconds = 0;
    this.hostSeconds = Math.max(start, this.computeSeconds) + seconds;
    this.#slice("host", owner, what, start, this.hostSeconds - start);
  }

  /**
   * A collective of `ranks` ranks, the same in all of a step, that the compute stream waits for. `queues`: whether
   * behind what the communication stream still has to do.
   */
  barrier(call: CollectiveCall, ranks: number, queues: boolean): void {
    this.work(call.owner, call.what, call.launchSeconds);
    const ready = Math.max(this.computeSeconds, this.hostSeconds);
    const late = expectedMaximum(ranks);
    const skew = this.#slowest((drift) => late * drift(this.#sinceBarrier)) - ready;
    this.spent.skewSeconds += skew;
    this.spent.barrierSeconds += call.seconds;
    this.#slice("compute", call.owner, "waits for the slowest rank", ready, skew, true);
    const free = queues ? this.communicationSeconds : 0;
    const start = Math.max(ready + skew, free);
    this.computeSeconds = start + call.seconds;
    if (queues) this.communicationSeconds = this.computeSeconds;
    this.#slice(queues ? "communication" : "compute", call.owner, call.what, start, call.seconds);
    this.#ranksInStep = ranks;
    this.#sinceBarrier.deviceSeconds = 0;
  }

  /**
   * A collective of `ranks` ranks on the communication stream that nobody waits for yet. Groups that wait
   * inside at barriers drift apart from one another since the step began, and ranks of a group since the last barrier.
   */
  startCollective(call: CollectiveCall, ranks: number): void {
    this.work(call.owner, call.what, call.launchSeconds);
    const group = expectedMaximum(Math.ceil(ranks / this.#ranksInStep));
    const own = expectedMaximum(this.#ranksInStep);
    const slowest = this.#slowest((drift) => group * drift(this.spent) + own * drift(this.#sinceBarrier));
    const start = Math.max(slowest, this.communicationSeconds);
    this.communicationSeconds = start + call.seconds;
    this.#slice("communication", call.owner, call.what, start, call.seconds);
  }

  /** The compute stream waits until the communication stream is done. */
  joinCommunication(): void {
    this.computeSeconds = Math.max(this.computeSeconds, this.communicationSeconds);
  }

  /** When everything is done. */
  endSeconds(): number {
    return Math.max(this.hostSeconds, this.computeSeconds, this.communicationSeconds);
  }

  /** When the slower of host and compute stream comes, each late by its drift. */
  #slowest(lateness: (drift: (work: Work) => number) => number): number {
    const { hostSeconds, deviceSeconds } = this.#jitter;
    const host = lateness((work) => Math.sqrt(hostSeconds * work.hostSeconds));
    const device = lateness((work) => Math.sqrt(deviceSeconds * work.deviceSeconds));
    return Math.max(this.hostSeconds + host, this.computeSeconds + device);
  }

  #slice(
    track: Track,
    owner: string,
    what: string,
    startSeconds: number,
    durationSeconds: number,
    isSkew = false,
  ): void {
    if (durationSeconds > 0)
      this.#record?.({ track, name: `${owner} ${what}`, startSeconds, durationSeconds, isSkew });
  }
}
