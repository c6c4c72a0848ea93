import { expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { ScheduleBuilder } from "../src/collectives/schedule.ts";
import { layOutOutboxes } from "../src/engine/outbox.ts";

// Oracle: by hand.

test("messages of a step lie one after the other in their source's outbox, and a step starts at 0 again", () => {
  const builder = new ScheduleBuilder();
  builder.send(0, 1, 0, 3, "copy");
  builder.send(1, 0, 3, 4, "copy");
  builder.send(0, 2, 0, 2, "copy");
  builder.endStep();
  builder.send(0, 1, 0, 4, "copy");
  builder.endStep();
  const { offsets, capacities } = layOutOutboxes(builder.build("all-gather", "by hand", 3, 7));
  expect([...offsets]).toEqual([0, 0, 3, 0]);
  expect([...capacities]).toEqual([5, 4, 0]);
});

test("the server of a star needs room for the vectors of all others, they for one", () => {
  const request = { ranks: 9, payloadElements: 10, ranksPerNode: 8 };
  const { capacities } = layOutOutboxes(buildSchedule("all-reduce", "star", request));
  expect([...capacities]).toEqual([80, 10, 10, 10, 10, 10, 10, 10, 10]);
});
