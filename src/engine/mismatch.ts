import type { Call } from "./call-records.ts";
import type { Control } from "./control.ts";
import type { GroupTable } from "./group-table.ts";
import { type Mismatch, mismatchesSeenIn } from "./known-hangs.ts";

/** Who is to blame for a failure, and for what. */
export interface Verdict {
  /** Ascending. */
  readonly suspects: readonly number[];
  /** What the first of them did, in words. */
  readonly what: string;
  readonly seenIn: readonly string[];
}

/** A call and whose it is. */
interface Made {
  readonly rank: number;
  readonly call: Call;
}

/**
 * The earliest calls of one number that contradict each other inside a group, and whose they are: the ranks that
 * the smallest share of the group they name agrees with. null: whatever was called went together.
 */
export function findMismatch({ worldSize, calls }: Control, groups: GroupTable): Verdict | null {
  const bySequence = new Map<number, Map<number, Call>>();
  for (let rank = 0; rank < worldSize; rank++) {
    for (const call of calls.callsOf(rank)) {
      const made = bySequence.get(call.sequence) ?? new Map<number, Call>();
      bySequence.set(call.sequence, made.set(rank, call));
    }
  }
  for (const sequence of [...bySequence.keys()].sort((a, b) => (a - b) | 0)) {
    const verdict = compare(bySequence.get(sequence)!, groups);
    if (verdict !== null) return verdict;
  }
  return null;
}

function compare(made: ReadonlyMap<number, Call>, groups: GroupTable): Verdict | null {
  const shares = new Map<number, number>();
  for (const [rank, call] of made) {
    const others = groups.ranksOf(call.group).filter((other) => other !== rank);
    const known = others.flatMap((other) => made.get(other) ?? []);
    const agreeing = known.filter((other) => mismatchOf(call, other) === null).length;
    if (agreeing < known.length) shares.set(rank, agreeing / others.length);
  }
  if (shares.size === 0) return null;
  const least = Math.min(...shares.values());
  const suspects = [...shares.keys()].filter((rank) => shares.get(rank) === least).sort((a, b) => a - b);
  const [first] = suspects as [number];
  const culprit = { rank: first, call: made.get(first)! };
  const peer = peerOf(culprit, made, groups);
  const mismatch = mismatchOf(culprit.call, peer.call)!;
  const undecided = suspects.length > 1 ? `; ranks ${suspects.join(" and ")} contradict each other` : "";
  const isOrder = mismatch === "order";
  const [did, expected] = [culprit, peer].map(({ call }) => phrase(call, groups, isOrder));
  const what = `${did}, where rank ${peer.rank} ${expected}${undecided}`;
  return { suspects, what, seenIn: mismatchesSeenIn[mismatch] };
}

/** The first rank whose call contradicts the culprit's: of its group, or one that counts on it. */
function peerOf({ rank, call }: Made, made: ReadonlyMap<number, Call>, groups: GroupTable): Made {
  const peers = [...made].filter(
    ([other, theirs]) =>
      (groups.ranksOf(call.group).includes(other) || groups.ranksOf(theirs.group).includes(rank)) &&
      mismatchOf(call, theirs) !== null,
  );
  // Of its own group if there is one: who names the culprit as a peer expected the right call of it.
  const [peer] = peers.find(([, theirs]) => groups.ranksOf(theirs.group).includes(rank)) ?? peers[0]!;
  return { rank: peer, call: made.get(peer)! };
}

/** In what way two calls do not go together. */
function mismatchOf(a: Call, b: Call): Mismatch | null {
  if (a.operation !== b.operation && (a.operation === "leave" || b.operation === "leave")) return "left";
  if (a.group !== b.group) return "group";
  if (a.ordinal !== b.ordinal || a.operation !== b.operation) return "order";
  return a.values === b.values && a.format === b.format ? null : "size";
}

function phrase(
  { operation, values, format, group, ordinal }: Call,
  groups: GroupTable,
  withOrdinal: boolean,
): string {
  if (operation === "leave")
    return ordinal === 0
      ? "left the pass without joining a collective"
      : `left the pass after ${ordinal} collective${ordinal === 1 ? "" : "s"}`;
  const call = `called ${operation} of ${values} ${format} values among ${groups.ranksOf(group).length} ranks`;
  return withOrdinal ? `${call} as call ${ordinal + 1} of the pass` : call;
}
