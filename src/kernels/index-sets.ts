import { assert } from "../assert.ts";

/** Extents of a row-major [N, C, L] array: samples, channels (features), positions. */
export interface Extent {
  readonly samples: number;
  readonly channels: number;
  readonly positions: number;
}

/** The axes of an activation. */
export type Axis = "samples" | "channels" | "positions";

/**
 * Which index set every element of a row-major array belongs to: the one operator's only parameter.
 *
 * Four nested loops walk the array in memory order; for each loop a stride says how far one turn
 * moves the index of the set, of the channel and of the token (sample, position). Loops of one turn
 * are gone and neighbours whose strides continue each other are one loop, so the innermost loop is
 * as long as it can be. Unused loops come first and turn once.
 *
 * **Order** of every float64 sum over a set: rows (turns of the three outer loops) in memory order; a row
 * that lies in one set is summed in 8 lanes (lane = index mod 8), the lanes folded as
 * ((0+4)+(2+6)) + ((1+5)+(3+7)); a row that crosses sets adds one element to each.
 *
 * Float32 data that no mask cuts inside a set are added in float32 first. A row that lies in one set: in 16
 * lanes, which every 1024 elements are folded over 4 as (0+4)+(8+12) and become float64, (0+2)+(1+3); for
 * `allGradientSums` of a row along the channels in 8 lanes, every 512 elements. Rows that cross the same sets, and
 * rows that run along the same channels, for gradients of weights: 64 at a time, in order.
 *
 * Moments are sums of x − s and (x − s)² of such rows, merged in float64. The shift s is the float32 next to the
 * set's mean so far, or to that of its first values (64 of a row, 64 rows); for rows that lie in one set it is 0 where
 * the square of the mean so far is at most 5 variances. Squares too small or too large for float32 are added in float64.
 */
export interface IndexSets {
  /** How many sets there are. */
  readonly setCount: number;
  readonly extents: readonly number[];
  readonly setStrides: readonly number[];
  readonly channelStrides: readonly number[];
  readonly tokenStrides: readonly number[];
}

export const loopCount = 4;

interface Loop {
  readonly extent: number;
  readonly set: number;
  readonly channel: number;
  readonly token: number;
}

/**
 * The index sets of a normaliser that reduces over the named axes of an [N, C, L] array.
 *
 * @param channelGroups blocks of consecutive channels; a set that spans channels spans those of one.
 */
export function indexSetsOf(extent: Extent, reduces: readonly Axis[], channelGroups = 1): IndexSets {
  const { samples, channels, positions } = extent;
  assert(channels % channelGroups === 0, `${channelGroups} groups do not divide ${channels} channels`);
  const kept = (axis: Axis, count: number): number => (reduces.includes(axis) ? 1 : count);
  const setsPerChannel = kept("positions", positions);
  const channelsPerGroup = channels / channelGroups;
  const setsPerGroup = kept("channels", channelsPerGroup) * setsPerChannel;
  const setsPerSample = channelGroups * setsPerGroup;
  const stride = (axis: Axis, sets: number): number => (reduces.includes(axis) ? 0 : sets);
  return indexSets(kept("samples", samples) * setsPerSample, [
    { extent: samples, set: stride("samples", setsPerSample), channel: 0, token: positions },
    { extent: channelGroups, set: setsPerGroup, channel: channelsPerGroup, token: 0 },
    { extent: channelsPerGroup, set: stride("channels", setsPerChannel), channel: 1, token: 0 },
    { extent: positions, set: stride("positions", 1), channel: 0, token: 1 },
  ]);
}

function indexSets(setCount: number, axes: readonly Loop[]): IndexSets {
  const loops: Loop[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = loops.at(-1);
    if (outer !== undefined && continues(outer, axis)) {
      loops[loops.length - 1] = { ...axis, extent: outer.extent * axis.extent };
    } else {
      loops.push(axis);
    }
  }
  assert(loops.length <= loopCount, `${loops.length} loops do not fit the ${loopCount} of a kernel`);
  while (loops.length < loopCount) loops.unshift({ extent: 1, set: 0, channel: 0, token: 0 });
  return {
    setCount,
    extents: loops.map((loop) => loop.extent),
    setStrides: loops.map((loop) => loop.set),
    channelStrides: loops.map((loop) => loop.channel),
    tokenStrides: loops.map((loop) => loop.token),
  };
}

function continues(outer: Loop, inner: Loop): boolean {
  return (
    outer.set === inner.set * inner.extent &&
    outer.channel === inner.channel * inner.extent &&
    outer.token === inner.token * inner.extent
  );
}
