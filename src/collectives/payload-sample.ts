import type { FloatArray } from "../kernels/kernels.ts";
import type { LedgerEntry } from "./ledger.ts";
import { blockStart, type Schedule } from "./schedule.ts";

/** A sample keeps that many ranks, blocks and steps: what a page can show. */
export const sampled = { ranks: 8, blocks: 8, steps: 32 } as const;

/** Collectives of more messages are not sampled: those of a ring of about 180 ranks. */
const messagesMaximum = 2 ** 16;

/** Whether a collective of a group may be sampled, if it is the first one of a normaliser. */
export function canBeSampled({ source }: Schedule, group: number): boolean {
  return group === 0 && source.length <= messagesMaximum;
}

/**
 * Keep a sample of the first collective that a rank does for a normaliser, if it can be sampled and this is one of the group's first ranks.
 *
 * @param ledger of the rank, `entry` last: where the sample is kept.
 * @param index of the rank in its group.
 * @returns what has to be called after every step.
 */
export function samplePayload(
  ledger: readonly LedgerEntry[],
  schedule: Schedule,
  index: number,
  vector: FloatArray,
  valuesPerElement: number,
): () => void {
  const entry = ledger.at(-1)!;
  const isFirst = ledger.find(({ normalizer }) => normalizer === entry.normalizer) === entry;
  if (!isFirst || !canBeSampled(schedule, entry.group) || index >= sampled.ranks) return () => {};
  const starts = Array.from({ length: Math.min(schedule.ranks, sampled.blocks) }, (_, block) =>
    blockStart(block, schedule.ranks, schedule.elements),
  );
  const elements = [...new Set(starts)].filter((element) => element < schedule.elements);
  const values: number[][] = [];
  entry.sample = { elements, values };
  const note = (): void => {
    if (values.length > sampled.steps) return;
    values.push(
      elements.flatMap((element) =>
        Array.from(vector.subarray(element * valuesPerElement, (element + 1) * valuesPerElement)),
      ),
    );
  };
  note();
  return note;
}
