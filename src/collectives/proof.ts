import { blockStart, type Schedule } from "./schedule.ts";

/**
 * Who contributed to every element of every rank, as bit sets.
 *
 * Elements that no message and no block tells apart form one atom and share a set. Contribution r is
 * rank r's; contribution `ranks` is the value an element had before anything was due there.
 */
interface Contributions {
  readonly ranks: number;
  /** First element of each atom, and the end of the last. */
  readonly atomStart: readonly number[];
  readonly atomAt: ReadonlyMap<number, number>;
  /** 32-bit words of one set. */
  readonly words: number;
  /** [ranks, atoms, words]. */
  readonly sets: Uint32Array;
}

/**
 * The first way in which a schedule is not the operation it says, as a sentence; null if it is.
 *
 * Runs the schedule on sets of contributions. Proved: no message leaves the vector, no reduction adds
 * a contribution a second time, and at the end each element that the operation promises holds what
 * it should, exactly once. All payload values are covered at once.
 */
export function findViolation(schedule: Schedule): string | null {
  const malformed = findMalformedMessage(schedule);
  if (malformed !== null) return malformed;
  const state = initialContributions(schedule);
  const before = { ...state, sets: new Uint32Array(state.sets.length) };
  for (let step = 0; step < schedule.stepCount; step++) {
    before.sets.set(state.sets);
    for (let i = schedule.stepStart[step]!; i < schedule.stepStart[step + 1]!; i++) {
      const violation = deliver(schedule, i, before, state);
      if (violation !== null) return `step ${step}: ${violation}`;
    }
  }
  return findWrongResult(schedule, state);
}

function findMalformedMessage({ ranks, elements, source, target, offset, length }: Schedule): string | null {
  for (let i = 0; i < source.length; i++) {
    const route = `message ${i} from rank ${source[i]} to rank ${target[i]}`;
    if (source[i]! >= ranks || target[i]! >= ranks) return `${route} leaves the group of ${ranks}`;
    if (source[i] === target[i]) return `${route} goes nowhere`;
    if (offset[i]! >= elements || length[i]! > elements) {
      return `${route} of ${length[i]} elements at ${offset[i]} leaves the vector of ${elements}`;
    }
  }
  return null;
}

function initialContributions(schedule: Schedule): Contributions {
  const { operation, ranks, elements, offset, length } = schedule;
  const cuts = new Set<number>([0, elements]);
  for (let rank = 0; rank < ranks; rank++) cuts.add(blockStart(rank, ranks, elements));
  for (let i = 0; i < offset.length; i++) {
    cuts.add(offset[i]!);
    cuts.add((offset[i]! + length[i]!) % elements);
  }
  const atomStart = [...cuts].sort((a, b) => a - b);
  const atomAt = new Map(atomStart.map((start, atom) => [start, atom]));
  const words = Math.ceil((ranks + 1) / 32);
  const state = {
    ranks,
    atomStart,
    atomAt,
    words,
    sets: new Uint32Array(ranks * (atomStart.length - 1) * words),
  };
  for (let rank = 0; rank < ranks; rank++) {
    for (let atom = 0; atom + 1 < atomStart.length; atom++) {
      const isOwn = operation !== "all-gather" || blockOf(schedule, atomStart[atom]!) === rank;
      const contribution = isOwn ? rank : ranks;
      state.sets.set(packSet(state, [contribution]), setAt(state, rank, atom));
    }
  }
  return state;
}

/** The block, of `ranks` blocks, that an element is in. */
function blockOf({ ranks, elements }: Schedule, element: number): number {
  return Math.ceil(((element + 1) * ranks) / elements) - 1;
}

function setAt({ atomStart, words }: Contributions, rank: number, atom: number): number {
  return (rank * (atomStart.length - 1) + atom) * words;
}

/** Apply message i to `state`, reading its source from `before`. */
function deliver(schedule: Schedule, i: number, before: Contributions, state: Contributions): string | null {
  const { atomStart, words } = state;
  const rank = schedule.target[i]!;
  let atom = state.atomAt.get(schedule.offset[i]!)!;
  for (let left = schedule.length[i]!; left > 0; ) {
    const from = setAt(state, schedule.source[i]!, atom);
    const to = setAt(state, rank, atom);
    for (let word = 0; word < words; word++) {
      const incoming = before.sets[from + word]!;
      const own = schedule.reduces[i] === 1 ? state.sets[to + word]! : 0;
      if ((own & incoming) !== 0) {
        const held = describeSet(state, rank, atom);
        const added = describeSet(before, schedule.source[i]!, atom);
        return `rank ${rank}, element ${atomStart[atom]} holds ${held} and would add ${added}`;
      }
      state.sets[to + word] = own | incoming;
    }
    left -= atomStart[atom + 1]! - atomStart[atom]!;
    atom = (atom + 1) % (atomStart.length - 1);
  }
  return null;
}

function findWrongResult(schedule: Schedule, state: Contributions): string | null {
  const { operation, ranks } = schedule;
  const everyRank = packSet(
    state,
    Array.from({ length: ranks }, (_, rank) => rank),
  );
  for (let rank = 0; rank < ranks; rank++) {
    for (let atom = 0; atom + 1 < state.atomStart.length; atom++) {
      const element = state.atomStart[atom]!;
      const block = blockOf(schedule, element);
      if (operation === "reduce-scatter" && block !== rank) continue;
      const sums = operation === "all-reduce" || operation === "reduce-scatter";
      const origin = operation === "broadcast" ? 0 : block;
      const due = sums ? everyRank : packSet(state, [origin]);
      const at = setAt(state, rank, atom);
      if (due.some((word, i) => word !== state.sets[at + i])) {
        const want = sums ? "every rank once" : `{${origin}}`;
        return `rank ${rank}, element ${element} ends with ${describeSet(state, rank, atom)}, not ${want}`;
      }
    }
  }
  return null;
}

function packSet({ words }: Contributions, members: readonly number[]): Uint32Array {
  const set = new Uint32Array(words);
  for (const member of members) set[member >>> 5]! |= 1 << (member & 31);
  return set;
}

/** Contributions in a set, ascending, such as `{0, 2}`. */
function describeSet(state: Contributions, rank: number, atom: number): string {
  const at = setAt(state, rank, atom);
  const names: string[] = [];
  for (let member = 0; member <= state.ranks; member++) {
    const isHeld = ((state.sets[at + (member >>> 5)]! >>> (member & 31)) & 1) === 1;
    if (isHeld) names.push(member === state.ranks ? "unset" : String(member));
  }
  return `{${names.join(", ")}}`;
}
