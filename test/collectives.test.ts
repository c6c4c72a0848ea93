import { describe, expect, test } from "vitest";
import { buildSchedule } from "../src/collectives/plan.ts";
import { findViolation } from "../src/collectives/proof.ts";
import { type Schedule, ScheduleBuilder } from "../src/collectives/schedule.ts";
import { everyCollective, request } from "./support/every-collective.ts";

const rankCounts = Array.from({ length: 64 }, (_, index) => index + 1);

// Oracle: the symbolic proof, an invariant: every contribution that is due is there exactly once.
describe("the proof", () => {
  for (const [operation, algorithm] of everyCollective) {
    test(`${operation} by ${algorithm} is right for 1 to 64 ranks and any payload`, () => {
      for (const ranks of rankCounts) {
        for (const payload of new Set([0, 1, ranks - 1, ranks, ranks + 1, 3 * ranks + 1])) {
          const violation = findViolation(buildSchedule(operation, algorithm, request(ranks, payload)));
          expect(violation, `${ranks} ranks, ${payload} elements`).toBeNull();
        }
      }
    });
  }

  test("two-level is right for every number of ranks per node, full last node or not", () => {
    for (const ranks of [1, 2, 5, 7, 12, 16, 23]) {
      for (let ranksPerNode = 1; ranksPerNode <= ranks + 1; ranksPerNode++) {
        for (const payload of [1, ranks, 3 * ranks + 1]) {
          const schedule = buildSchedule("all-reduce", "two-level", request(ranks, payload, ranksPerNode));
          expect(findViolation(schedule), `${ranks} ranks, ${ranksPerNode} per node`).toBeNull();
        }
      }
    }
  });
});

/** source, target, offset, length, reduces. */
type Row = [number, number, number, number, number];

interface Message {
  readonly step: number;
  readonly row: Row;
}

function messagesOf(schedule: Schedule): Message[] {
  return Array.from(schedule.source, (source, i) => ({
    step: schedule.stepStart.findLastIndex((start) => start <= i),
    row: [source, schedule.target[i]!, schedule.offset[i]!, schedule.length[i]!, schedule.reduces[i]!],
  }));
}

function fromMessages(schedule: Schedule, messages: readonly Message[]): Schedule {
  const builder = new ScheduleBuilder();
  for (let step = 0; step < schedule.stepCount; step++) {
    for (const { row } of messages.filter((message) => message.step === step)) {
      builder.send(row[0], row[1], row[2], row[3], row[4] === 1 ? "reduce" : "copy");
    }
    builder.endStep();
  }
  return builder.build(schedule.operation, schedule.algorithm, schedule.ranks, schedule.elements);
}

// Oracle: no message of these schedules is superfluous, so that any change to one must show.
describe("a broken schedule", () => {
  /** The proof of a schedule over 2, 5, 8 and 12 ranks, broken at each of its messages in turn. */
  function* brokenBy(
    [operation, algorithm]: (typeof everyCollective)[number],
    breakAt: (messages: Message[], i: number) => Message[],
    isBroken: (message: Message) => boolean = () => true,
  ): Generator<{ readonly at: string; readonly violation: string | null }> {
    for (const ranks of [2, 5, 8, 12]) {
      const schedule = buildSchedule(operation, algorithm, request(ranks, 3 * ranks + 1, 4));
      const messages = messagesOf(schedule);
      for (let i = 0; i < messages.length; i++) {
        if (!isBroken(messages[i]!)) continue;
        const violation = findViolation(fromMessages(schedule, breakAt(messages, i)));
        yield { at: `message ${i} over ${ranks} ranks`, violation };
      }
    }
  }

  for (const collective of everyCollective) {
    const [operation, algorithm] = collective;

    test(`of ${operation} by ${algorithm} may lack any message`, () => {
      for (const { at, violation } of brokenBy(collective, (messages, i) => messages.toSpliced(i, 1))) {
        expect(violation, at).not.toBeNull();
      }
    });

    test(`of ${operation} by ${algorithm} may lack the last element of any message`, () => {
      const shorten = ({ row, ...rest }: Message) => ({ ...rest, row: row.with(3, row[3] - 1) as Row });
      for (const { at, violation } of brokenBy(collective, (messages, i) =>
        messages.with(i, shorten(messages[i]!)),
      )) {
        expect(violation, at).not.toBeNull();
      }
    });

    test(`of ${operation} by ${algorithm} may add where it should copy, or copy where it should add`, () => {
      const flip = ({ row, ...rest }: Message) => ({ ...rest, row: row.with(4, 1 - row[4]) as Row });
      for (const { at, violation } of brokenBy(collective, (messages, i) =>
        messages.with(i, flip(messages[i]!)),
      )) {
        expect(violation, at).not.toBeNull();
      }
    });

    if (operation === "all-gather" || operation === "broadcast") continue;
    test(`of ${operation} by ${algorithm} may add any message twice`, () => {
      const breaks = brokenBy(
        collective,
        (messages, i) => messages.toSpliced(i, 0, messages[i]!),
        ({ row }) => row[4] === 1,
      );
      for (const { at, violation } of breaks) {
        expect(violation, at).toMatch(/holds \{.*\} and would add \{.*\}/);
      }
    });
  }

  // Oracles by hand: star over 3 ranks is 1→0, 2→0, 0→1, 0→2 of the whole vector.
  const star = buildSchedule("all-reduce", "star", request(3, 4));
  const rows = messagesOf(star);

  test("is reported with the rank, the element and what it held", () => {
    expect(findViolation(fromMessages(star, rows.toSpliced(3, 1)))).toBe(
      "rank 2, element 0 ends with {2}, not every rank once",
    );
    expect(findViolation(fromMessages(star, rows.toSpliced(1, 0, rows[0]!)))).toBe(
      "step 0: rank 0, element 0 holds {0, 1} and would add {1}",
    );
  });

  test("may have its steps in the wrong order", () => {
    const swapped = rows.map(({ step, row }) => ({ step: 1 - step, row }));
    expect(findViolation(fromMessages(star, swapped))).toBe(
      "step 1: rank 0, element 0 holds {0} and would add {0}",
    );
  });

  test("may pass on values that were never set", () => {
    const gather = buildSchedule("all-gather", "ring", request(3, 2));
    const late = messagesOf(gather).toSpliced(0, 1);
    expect(findViolation(fromMessages(gather, late))).toBe("rank 1, element 0 ends with {unset}, not {0}");
  });

  test("may name ranks or elements that do not exist", () => {
    const misdirect = (row: Row) => findViolation(fromMessages(star, [{ step: 0, row }]));
    expect(misdirect([3, 0, 0, 4, 1])).toBe("message 0 from rank 3 to rank 0 leaves the group of 3");
    expect(misdirect([1, 1, 0, 4, 1])).toBe("message 0 from rank 1 to rank 1 goes nowhere");
    expect(misdirect([1, 0, 4, 1, 1])).toMatch(/of 1 elements at 4 leaves the vector of 4/);
    expect(misdirect([1, 0, 0, 5, 1])).toMatch(/of 5 elements at 0 leaves the vector of 4/);
  });
});

describe("a request", () => {
  test("for an algorithm that the operation lacks is a bug", () => {
    const operation = "all-gather" as "all-gather" | "all-reduce";
    expect(() => buildSchedule(operation, "star", request(2, 1))).toThrow(/all-gather has no algorithm star/);
  });

  test("of anything but counts is a bug", () => {
    expect(() => buildSchedule("all-reduce", "ring", request(0, 1))).toThrow(/over 0 ranks/);
    expect(() => buildSchedule("all-reduce", "ring", request(2, 0.5))).toThrow(/of 0.5 elements/);
    expect(() => buildSchedule("all-reduce", "ring", request(2, 1, 0))).toThrow(/0 ranks per node/);
  });

  // By hand: 1,024 ranks, 1,023 steps, one message per rank and step.
  test("for a ring all-gather over 1,024 ranks has 1,047,552 messages", () => {
    const schedule = buildSchedule("all-gather", "ring", request(1024, 3));
    expect(schedule.source.length).toBe(1023 * 1024);
    expect(schedule.stepStart.at(-1)).toBe(1023 * 1024);
  });
});
