import { RankError } from "../../src/errors.ts";
import { piscinaHost } from "../../src/node.ts";
import type { Report } from "../../src/report/report.ts";
import { type InjectedFault, isDelay } from "../../src/scenario/injected-fault.ts";
import { isSpoiledValue } from "../../src/scenario/spoiled-value.ts";
import { simulate } from "../../src/simulate.ts";
import { scenarioOf, type Trial } from "./draw.ts";

/** How a trial ended. */
export type Ending = "right answer" | "right culprit";

/** A thread of such a heap is exhausted in a moment. */
const heapMegabytes = 24;

/**
 * Run a trial and hold its end against what it was made to do.
 *
 * @throws Error if it ended in any other way.
 */
export async function judge({ fields, threads }: Trial): Promise<Ending> {
  const scenario = scenarioOf(fields)!;
  const { faults } = scenario;
  const isFatal = (fault: InjectedFault): boolean => !isDelay(fault) && !isSpoiledValue(fault);
  const fatal = faults.filter(isFatal);
  const host = threads === 0 ? {} : { host: piscinaHost({ threads, ...heapOf(faults) }) };
  let report: Report;
  try {
    report = await simulate(scenario, host);
  } catch (error) {
    if (error instanceof RankError && isRight(error, fatal)) return "right culprit";
    throw error;
  }
  // A rank that has nothing to send in its phase loses no message.
  if (fatal.some(({ kind }) => kind !== "dropped-message"))
    throw new Error("it ended as if nothing had been wrong");
  const flawless = { ...scenario, faults: faults.filter(isSpoiledValue) };
  const [got, want] = [report, await simulate(flawless)].map(withoutClock);
  if (got !== want) throw new Error(`another report than without faults:\n${got}\n${want}`);
  return "right answer";
}

const heapOf = (faults: readonly InjectedFault[]) =>
  faults.some(({ kind }) => kind === "exhaust-memory") ? { heapMegabytes } : {};

/** The rank of a fault is to blame, and at most one other beside it. */
function isRight({ rank, record: { suspects } }: RankError, fatal: readonly InjectedFault[]): boolean {
  return suspects[0] === rank && suspects.length <= 2 && fatal.some((fault) => suspects.includes(fault.rank));
}

/** What of a report does not depend on the machine, or on what was to go wrong. */
function withoutClock({ scenario: _, ...report }: Report): string {
  return JSON.stringify(report, (key, value: unknown) => (key === "wallSeconds" ? 0 : value));
}
