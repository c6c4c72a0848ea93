import { assert } from "../assert.ts";
import type { ReductionOrder } from "../collectives/reduction-order.ts";
import type { SumTable } from "../collectives/sum-table.ts";
import type { BlockKernels } from "../kernels/blocks.ts";

/** Elements that are summed before their sum is copied out: what the scratch stays in the first-level cache for. */
const chunkElements = 1024;

/** Scratches of a chunk that a thread has room for: more than a balanced tree of 2^30 ranks needs. */
export const scratchesMaximum = 32;
/** Of one scratch. */
const scratchBytes = chunkElements * Float64Array.BYTES_PER_ELEMENT;
/** Room that one thread needs to sum in. */
export const foldBytes: number = scratchesMaximum * scratchBytes;

/** Numbers of an addition in `additions`. */
const additionFields = 5;

interface FoldChunk {
  readonly start: number;
  readonly end: number;
  readonly additions: Int32Array;
}

/**
 * Sums of a part of the vector, chunk by chunk: additions target = a + b over elements [start, end).
 *
 * A place below `ranks` is a rank's payload; place ranks + k is the k-th scratch of a chunk. Every chunk ends
 * with its sum in the first.
 */
export interface FoldProgram {
  readonly chunks: readonly FoldChunk[];
  /** Scratches in use at once. */
  readonly scratches: number;
}

/**
 * Leave a chunk's sum in the first scratch.
 *
 * @param places addresses of the payloads of `ranks` ranks, then room for those of the scratches, which lie from `scratch` on.
 */
export function foldChunk(
  blocks: BlockKernels,
  { scratches }: FoldProgram,
  { start, additions }: FoldChunk,
  places: Float64Array,
  ranks: number,
  scratch: number,
  bytesPerValue: number,
): void {
  const add = bytesPerValue === 8 ? blocks.add64 : blocks.add32;
  for (let k = 0; k < scratches; k++) places[ranks + k] = scratch + k * scratchBytes - start * bytesPerValue;
  for (let i = 0; i < additions.length; i += additionFields) {
    const from = additions[i + 3]! * bytesPerValue;
    const target = places[additions[i]!]! + from;
    const a = places[additions[i + 1]!]! + from;
    const b = places[additions[i + 2]!]! + from;
    add(target, a, b, additions[i + 4]! - additions[i + 3]!);
  }
}

interface Addition {
  readonly target: number;
  readonly a: number;
  readonly b: number;
}

/** What it takes to sum elements [start, end) in a schedule's order. */
export function foldProgram(order: ReductionOrder, start: number, end: number): FoldProgram {
  const segments: { readonly end: number; readonly additions: readonly Addition[] }[] = [];
  const evaluated = new Map<number, readonly Addition[]>();
  let scratches = 0;
  for (let segment = 0; segment < order.roots.length; segment++) {
    const root = order.roots[segment]!;
    let additions = evaluated.get(root);
    if (additions === undefined) {
      additions = evaluate(order.sums, root);
      for (const { target } of additions) scratches = Math.max(scratches, target - order.sums.ranks + 1);
      evaluated.set(root, additions);
    }
    segments.push({ end: order.starts[segment + 1]!, additions });
  }
  const chunks: FoldProgram["chunks"][number][] = [];
  let first = 0;
  for (let at = start; at < end; at += chunkElements) {
    const stop = Math.min(end, at + chunkElements);
    while (segments[first]!.end <= at) first++;
    const runs: Run[] = [];
    for (let segment = first; (runs.at(-1)?.end ?? at) < stop; segment++) {
      const { end: segmentEnd, additions } = segments[segment]!;
      const runEnd = Math.min(stop, segmentEnd);
      const last = runs.at(-1);
      if (last?.additions === additions) last.end = runEnd;
      else runs.push({ start: last?.end ?? at, end: runEnd, additions, done: 0 });
    }
    chunks.push({ start: at, end: stop, additions: Int32Array.from(interleave(runs, order.sums.ranks)) });
  }
  return { chunks, scratches };
}

/** Additions that leave a sum in the first scratch. */
function evaluate(sums: SumTable, root: number): Addition[] {
  const additions: Addition[] = [];
  const visit = (sum: number, scratch: number): void => {
    const target = sums.ranks + scratch;
    // Along a chain each sum adds one payload to the one before: no recursion for a ring of many ranks.
    const payloads: number[] = [];
    let operands = operandsOf(sums, sum);
    while (isPayload(sums, operands[0]) !== isPayload(sums, operands[1])) {
      const [payload, rest] = isPayload(sums, operands[0]) ? operands : [operands[1], operands[0]];
      payloads.push(payload);
      operands = operandsOf(sums, rest);
    }
    if (isPayload(sums, operands[0])) additions.push({ target, a: operands[0], b: operands[1] });
    else {
      const [small, large] = [...operands].sort((x, y) => sums.scratchesOf(x) - sums.scratchesOf(y));
      visit(large!, scratch);
      visit(small!, scratch + 1);
      additions.push({ target, a: target, b: target + 1 });
    }
    for (const payload of payloads.reverse()) additions.push({ target, a: target, b: payload });
  };
  visit(root, 0);
  return additions;
}

const isPayload = (sums: SumTable, sum: number): boolean => sum < sums.ranks;

function operandsOf(sums: SumTable, sum: number): readonly [number, number] {
  const operands = sums.operandsOf(sum);
  assert(operands !== undefined, `payload ${sum} is no sum`);
  return operands;
}

/** Neighbouring elements that are summed alike, and how many of their additions are placed. */
interface Run {
  readonly start: number;
  end: number;
  readonly additions: readonly Addition[];
  done: number;
}

/**
 * The additions of all runs, those of neighbours that are alike as one. Going round the ranks, each run takes its
 * next addition when that one's payload is met: what a ring adds to many short blocks becomes few long ones.
 */
function interleave(runs: readonly Run[], ranks: number): number[] {
  const placed: number[] = [];
  const place = (start: number, end: number, { target, a, b }: Addition): void => {
    const at = placed.length - additionFields;
    const joins =
      at >= 0 &&
      placed[at] === target &&
      placed[at + 1] === a &&
      placed[at + 2] === b &&
      placed[at + 4] === start;
    if (joins) placed[at + 4] = end;
    else placed.push(target, a, b, start, end);
  };
  let open = runs.filter(({ additions }) => additions.length > 0);
  while (open.length > 0) {
    for (let rank = 0; rank < ranks; rank++) {
      for (const run of open) {
        for (let next = run.additions[run.done]; next !== undefined; next = run.additions[run.done]) {
          if (next.b < ranks && next.b !== rank) break;
          place(run.start, run.end, next);
          run.done++;
        }
      }
    }
    open = open.filter(({ additions, done }) => done < additions.length);
  }
  return placed;
}
