import { type Control, rankWords } from "./control.ts";

/** Room in a position for the collectives of a pass, the end of the pass counted as one, and for the steps of each. */
export const collectivesMaximum = 16;
const stepsMaximum = 4096;

/** What a rank publishes when it has sent in a step: positions wrap and are compared by difference. */
export function positionOf(sequence: number, step: number): number {
  return (sequence * stepsMaximum + step + 1) | 0;
}

/** Whether a counter that wraps has come as far as wanted. */
export function isAtLeast(counter: number, wanted: number): boolean {
  return ((counter - wanted) | 0) >= 0;
}

/**
 * The last step in which a rank has sent in a collective, counted from 1, or null. Where ranks meet: 1 that it has come; 2 and 3, of the
 * last rank of a thread, that all of them have and that their part of the work is done.
 */
export function sentStepOf(control: Control, rank: number, sequence: number): number | null {
  const position = Atomics.load(control.words, control.rankWord(rank, rankWords.published));
  const step = (position - sequence * stepsMaximum) | 0;
  return step >= 1 && step <= stepsMaximum ? step : null;
}
