import { describe, expect, test } from "vitest";
import { ScheduleBuilder } from "../src/collectives/schedule.ts";
import { scheduleSeconds } from "../src/cost/alpha-beta.ts";
import {
  alpha,
  alphaInter,
  beta,
  betaInter,
  elementBytes,
  expectSeconds,
  links,
} from "./support/alpha-beta-links.ts";

// Oracles: by hand, from the rules in the doc comment.
describe("the clock", () => {
  /** Steps of [source, target, elements]. */
  function seconds(...steps: readonly (readonly [number, number, number])[][]): number {
    const builder = new ScheduleBuilder();
    for (const step of steps) {
      for (const [source, target, elements] of step) builder.send(source, target, 0, elements, "copy");
      builder.endStep();
    }
    const schedule = builder.build("broadcast", "by hand", 4, 1000);
    return scheduleSeconds(schedule, elementBytes, (rank) => Math.floor(rank / 2), links);
  }

  test("of a schedule without messages stands still", () => {
    expect(seconds()).toBe(0);
  });

  test("runs both directions of a port at once", () => {
    const both = seconds([
      [0, 1, 100],
      [1, 0, 100],
    ]);
    expectSeconds(both, alpha + 100 * beta, "full duplex");
  });

  test("runs a rank's ports to its node and to other nodes at once", () => {
    const both = seconds([
      [0, 1, 100],
      [0, 2, 100],
    ]);
    expectSeconds(both, alphaInter + 100 * betaInter, "the slower of the two");
  });

  test("queues two messages at one port for their bytes, not for their latency", () => {
    const sent = seconds([
      [0, 2, 100],
      [0, 3, 50],
    ]);
    expectSeconds(sent, alphaInter + 150 * betaInter, "one sender");
    const received = seconds([
      [2, 0, 100],
      [3, 0, 50],
    ]);
    expectSeconds(received, alphaInter + 150 * betaInter, "one receiver");
  });

  test("does not make ranks wait for steps they have no part in", () => {
    const pairs = seconds(
      [
        [0, 1, 100],
        [2, 3, 1],
      ],
      [
        [0, 1, 1],
        [2, 3, 100],
      ],
    );
    expectSeconds(pairs, 2 * alpha + 101 * beta, "two pairs, long and short in turn");
  });

  test("makes a sender wait until its receiver has entered the step", () => {
    const late = seconds([[0, 1, 100]], [[2, 0, 10]]);
    expectSeconds(late, alpha + 100 * beta + alphaInter + 10 * betaInter, "rank 2 was idle");
  });

  test("holds a sender until the last of its messages has arrived, whatever their order", () => {
    const slowFirst = seconds(
      [
        [0, 2, 100],
        [0, 1, 1],
      ],
      [[0, 1, 1]],
    );
    expectSeconds(slowFirst, alphaInter + 100 * betaInter + alpha + beta, "rank 2's message is the slow one");
  });
});
