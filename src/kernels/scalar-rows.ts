import type { IndexSets } from "./index-sets.ts";

/** One row: a turn of the three outer loops. */
export interface Row {
  /** Index of the row's first element in the array. */
  readonly start: number;
  readonly count: number;
  readonly set: number;
  readonly channel: number;
  readonly token: number;
}

/** The rows of an array in memory order. */
export function* rowsOf(sets: IndexSets): Generator<Row> {
  const [e0, e1, e2, count] = sets.extents as [number, number, number, number];
  const at = (strides: readonly number[], i: number, j: number, k: number): number =>
    i * strides[0]! + j * strides[1]! + k * strides[2]!;
  let start = 0;
  for (let i = 0; i < e0; i++) {
    for (let j = 0; j < e1; j++) {
      for (let k = 0; k < e2; k++) {
        yield {
          start,
          count,
          set: at(sets.setStrides, i, j, k),
          channel: at(sets.channelStrides, i, j, k),
          token: at(sets.tokenStrides, i, j, k),
        };
        start += count;
      }
    }
  }
}

/** Calls `visit(element, set, channel, index in the row)` for the valid elements of a row. */
export function visitRow(
  row: Row,
  sets: IndexSets,
  mask: Uint8Array | null,
  visit: (element: number, set: number, channel: number, index: number) => void,
): void {
  const setStride = sets.setStrides[3]!;
  const channelStride = sets.channelStrides[3]!;
  const tokenStride = sets.tokenStrides[3]!;
  for (let i = 0; i < row.count; i++) {
    if (mask !== null && mask[row.token + i * tokenStride] === 0) continue;
    visit(row.start + i, row.set + i * setStride, row.channel + i * channelStride, i);
  }
}

/** Rows that follow each other in memory and have the same sets, or channels, column for column; at most `most`. */
export function* blocksOf(sets: IndexSets, by: "set" | "channel", most: number): Generator<Row[]> {
  const stride = (by === "set" ? sets.setStrides : sets.channelStrides)[2]!;
  const turns = sets.extents[2]!;
  let block: Row[] = [];
  let index = 0;
  for (const row of rowsOf(sets)) {
    const continues = stride === 0 && index % turns !== 0 && block.length < most;
    if (!continues && block.length > 0) {
      yield block;
      block = [];
    }
    block.push(row);
    index++;
  }
  if (block.length > 0) yield block;
}
