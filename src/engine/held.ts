import type { Extent } from "../kernels/index-sets.ts";
import { momentsLength } from "../kernels/moment-kernels.ts";
import { isWide } from "../scenario/number-format.ts";
import type { RankBlock } from "./placement.ts";
import type { Workload } from "./workload.ts";

/** What one memory keeps of a run's ranks; the rest is elsewhere. */
export interface Held {
  /** Of which ranks: x, dy, y, dx and the mask. */
  readonly elements: RankBlock;
  /** Of which ranks: statistics and sums, which a coordinator reads. */
  readonly results: RankBlock;
  /** Whether ranks send through it. */
  readonly hasFabric: boolean;
}

/** All of it, as on one machine. */
export function everything({ worldSize }: Workload): Held {
  const all = { first: 0, count: worldSize };
  return { elements: all, results: all, hasFabric: true };
}

/** What a coordinator of ranks on other machines keeps. */
export function resultsOnly(workload: Workload): Held {
  return { ...everything(workload), elements: { first: 0, count: 0 }, hasFabric: false };
}

/** What a block of ranks on a machine of its own keeps. */
export function blockOnly(block: RankBlock): Held {
  return { elements: block, results: block, hasFabric: false };
}

export function isIn({ first, count }: RankBlock, rank: number): boolean {
  return rank >= first && rank < first + count;
}

/** Numbers that an activation of an extent takes. */
export function elementCount({ isOfMoments }: Workload, { samples, channels, positions }: Extent): number {
  return isOfMoments ? momentsLength(channels) : samples * channels * positions;
}

/** Bytes of each of them; moments are kept in float64. */
export function bytesPerElement({ isOfMoments, storage }: Workload): 4 | 8 {
  return isOfMoments || isWide(storage) ? 8 : 4;
}
