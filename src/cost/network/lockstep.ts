import type { Traffic } from "./traffic.ts";

/**
 * A round that sends what the round before sent, and finds its ranks at one moment as that one did, also takes
 * as long: so do all that are left of the run, which need not be simulated.
 */
export class Lockstep {
  readonly #traffic: Traffic;
  // The last round that found all its ranks at one moment.
  #run = -1;
  #round = 0;
  #seconds = 0;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  /**
   * All ranks of a run are about to enter one of its rounds, and no message is under way. If it is known how
   * long the rounds take, do all but the last of them: in `finishSeconds` of these ranks, and in the messages' times.
   *
   * @returns how many rounds were done.
   */
  skip(run: number, round: number, finishSeconds: Float64Array): number {
    const { paths, jitterSeconds } = this.#traffic;
    const { source, target, start, rounds, isEven } = paths.runs;
    const left = rounds[run]! - 1 - round;
    if (left < 1 || isEven[run] === 0 || jitterSeconds.length > 0) return 0;
    const seconds = finishSeconds[source[start[run]!]!]!;
    for (let place = start[run]!; place < start[run + 1]!; place++) {
      if (finishSeconds[source[place]!] !== seconds || finishSeconds[target[place]!] !== seconds) return 0;
    }
    const isKnown = this.#run === run && this.#round === round - 1;
    const roundSeconds = seconds - this.#seconds;
    this.#run = run;
    this.#round = round;
    this.#seconds = seconds;
    if (!isKnown) return 0;
    for (let place = start[run]!; place < start[run + 1]!; place++) {
      finishSeconds[source[place]!] = seconds + left * roundSeconds;
      finishSeconds[target[place]!] = seconds + left * roundSeconds;
    }
    this.#repeatTimes(run, round, left, roundSeconds);
    return left;
  }

  /** Messages of `count` rounds from `round` on: as those of the round before, each `roundSeconds` later. */
  #repeatTimes(run: number, round: number, count: number, roundSeconds: number): void {
    const { paths, times } = this.#traffic;
    if (times === undefined) return;
    const { firstMessage, start } = paths.runs;
    const width = start[run + 1]! - start[run]!;
    const first = firstMessage[run]! + round * width;
    for (let message = first; message < first + count * width; message++) {
      times.startSeconds[message] = times.startSeconds[message - width]! + roundSeconds;
      times.finishSeconds[message] = times.finishSeconds[message - width]! + roundSeconds;
    }
  }
}
