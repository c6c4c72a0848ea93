import type { FloatArray } from "../kernels/kernels.ts";
import type { RankViews } from "./arena-views.ts";

/** A part of the channels and positions of some samples. */
export type Region = Pick<RankViews, "extent" | "firstChannel" | "firstPosition">;

/** The channels and positions that ranks hold between them. */
export function regionOf(shards: readonly RankViews[]): Region {
  const firstChannel = Math.min(...shards.map((shard) => shard.firstChannel));
  const firstPosition = Math.min(...shards.map((shard) => shard.firstPosition));
  const channels = Math.max(...shards.map((shard) => shard.firstChannel + shard.extent.channels));
  const positions = Math.max(...shards.map((shard) => shard.firstPosition + shard.extent.positions));
  const { samples } = shards[0]!.extent;
  return {
    extent: { samples, channels: channels - firstChannel, positions: positions - firstPosition },
    firstChannel,
    firstPosition,
  };
}

/** [N, C, L] of a region from each rank's part of it. */
export function joinParts(
  shards: readonly RankViews[],
  region: Region,
  arrayOf: (shard: RankViews) => FloatArray,
): FloatArray {
  const { samples, channels, positions } = region.extent;
  const elements = samples * channels * positions;
  const isSingle = arrayOf(shards[0]!) instanceof Float32Array;
  const joined = isSingle ? new Float32Array(elements) : new Float64Array(elements);
  for (const shard of shards) {
    const { extent, firstChannel, firstPosition } = shard;
    for (let row = 0; row < samples * extent.channels; row++) {
      const channel = firstChannel - region.firstChannel + (row % extent.channels);
      const to = (Math.floor(row / extent.channels) * channels + channel) * positions;
      const part = arrayOf(shard).subarray(row * extent.positions, (row + 1) * extent.positions);
      joined.set(part, to + firstPosition - region.firstPosition);
    }
  }
  return joined;
}

/** [N, L] of a region; ranks that hold other channels of the same tokens have the same. */
export function joinMasks(
  shards: readonly RankViews[],
  { extent, firstPosition }: Region,
): Uint8Array | null {
  if (shards[0]!.mask === null) return null;
  const joined = new Uint8Array(extent.samples * extent.positions);
  for (const { mask, extent: own, firstPosition: first } of shards) {
    for (let n = 0; n < extent.samples; n++) {
      const part = mask!.subarray(n * own.positions, (n + 1) * own.positions);
      joined.set(part, n * extent.positions + first - firstPosition);
    }
  }
  return joined;
}
