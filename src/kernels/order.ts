import type { IndexSets } from "./index-sets.ts";
import type { Activation } from "./kernels.ts";
import { countValues } from "./set-counts.ts";

/** Whether rows lie in one set each, of float32 data: y, dx and gradient sums are then float32 arithmetic. */
export const liesInSets = ({ x }: Activation, { setStrides }: IndexSets): boolean =>
  x instanceof Float32Array && setStrides[3] === 0;

/** Whether sums over sets may run in float32: of float32 data whose mask, if any, leaves out whole sets. */
export function hasLanes({ x, mask }: Activation, { extents, setStrides, tokenStrides }: IndexSets): boolean {
  const cutsSets = extents.some(
    (turns, loop) => turns > 1 && setStrides[loop] === 0 && tokenStrides[loop] !== 0,
  );
  return x instanceof Float32Array && (mask === null || !cutsSets);
}

/** Whether rows, whose sums may run in float32, lie in one set each and run along the channels. */
export const runsAlongChannels = (input: Activation, sets: IndexSets): boolean =>
  hasLanes(input, sets) && liesInSets(input, sets) && sets.channelStrides[3] !== 0;

/** Make sums that were taken over every set, as if there were no mask, 0 where it leaves a set out; counts are written. */
export function leaveOut(
  mask: Uint8Array | null,
  sets: IndexSets,
  count: Float64Array,
  results: readonly Float64Array[],
): void {
  countValues(sets, mask, count);
  if (mask === null) return;
  for (let set = 0; set < sets.setCount; set++)
    if (count[set] === 0) for (const result of results) result[set] = 0;
}
