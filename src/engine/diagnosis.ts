import { RankError, type RankState } from "../errors.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Control } from "./control.ts";
import { GroupTable } from "./group-table.ts";
import { lostMessagesSeenIn } from "./known-hangs.ts";
import { findMismatch, type Verdict } from "./mismatch.ts";
import { describePlace } from "./place.ts";
import { sentStepOf } from "./position.ts";

/**
 * What a failure came from, from the last calls and the waits of all ranks, once every thread has stopped: the error that
 * reached the coordinator first may be an echo of it. Errors that are not a rank's are returned as they are.
 */
export function explainFailure(error: unknown, control: Control, scenario: Scenario): unknown {
  if (!(error instanceof RankError)) return error;
  const groups = new GroupTable(scenario);
  const verdict = findMismatch(control, groups) ?? findLostMessage(control) ?? findAwaited(error, control);
  const states = statesOf(control, groups, scenario);
  if (verdict === null) {
    const record = { suspects: [error.rank], states, seenIn: [] };
    return new RankError(error.rank, error.step, error.what, { cause: error.cause, record });
  }
  const { suspects, what, seenIn } = verdict;
  const rank = suspects[0]!;
  const record = { suspects, states, seenIn };
  const place = { ...control.placeOf(rank), awaitedRank: null };
  return new RankError(rank, describePlace(place, scenario), what, { cause: error, record });
}

function findLostMessage({ worldSize, calls }: Control): Verdict | null {
  for (let rank = 0; rank < worldSize; rank++) {
    const target = calls.lostTargetOf(rank);
    if (target === null) continue;
    const call = calls.callsOf(rank).at(-1)!;
    const what = `its message to rank ${target} in ${call.operation} of ${call.values} values never arrived`;
    return { suspects: [rank], what, seenIn: lostMessagesSeenIn };
  }
  return null;
}

/** Where nothing else is known: follow who waits for whom to a rank that waits for none. */
function findAwaited({ rank }: RankError, control: Control): Verdict | null {
  const seen = new Set<number>();
  let last = rank;
  for (let next: number | null = rank; next !== null && !seen.has(next); ) {
    seen.add(next);
    last = next;
    next = control.placeOf(next).awaitedRank;
  }
  if (last === rank) return null;
  return { suspects: [last], what: "does not send what the others wait for", seenIn: [] };
}

function statesOf(control: Control, groups: GroupTable, scenario: Scenario): RankState[] {
  const states = Array.from({ length: control.worldSize }, (_, rank): RankState => {
    const place = control.placeOf(rank);
    const last = control.calls.callsOf(rank).at(-1);
    const { awaitedRank } = place;
    const step = describePlace({ ...place, awaitedRank: null }, scenario);
    if (last === undefined)
      return { rank, step, call: null, sequence: null, scheduleStep: null, awaitedRank };
    const { operation, values, format, group, sequence } = last;
    const call = { operation, values, format, group: groups.ranksOf(group) };
    const scheduleStep = sentStepOf(control, rank, sequence);
    return { rank, step, call, sequence, scheduleStep, awaitedRank };
  });
  return states.some(({ sequence }) => sequence !== null) ? states : [];
}
