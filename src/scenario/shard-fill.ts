import type { NormalSource } from "../kernels/kernels.ts";
import type { SyntheticSource } from "./data-source.ts";
import { coordinatesOf, type Layout, type Shard, shardOf } from "./mesh.ts";
import type { FloatArray, Microbatch } from "./microbatch.ts";
import type { Mesh } from "./scenario.ts";
import { fillGradient, fillMicrobatch } from "./synthetic.ts";

/**
 * Make one rank's shard of its data coordinate's microbatch: writes x, dy and the mask in place.
 *
 * Every tensor and sequence rank draws the whole microbatch from the data coordinate's streams and keeps
 * its part, so that the data do not depend on how channels and positions are spread.
 *
 * @param source has one number of samples per rank, equal on the ranks of a data coordinate.
 * @param normals draws into the batch; what it is cut from lies elsewhere.
 */
export function fillShard(
  source: SyntheticSource,
  seed: number,
  mesh: Mesh,
  rank: number,
  trainingStep: number,
  batch: Microbatch,
  layout: Layout = "sharded",
  normals?: NormalSource,
): void {
  const { data } = coordinatesOf(mesh, rank);
  const shards = mesh.tensor * mesh.sequence;
  const perCoordinate = { ...source, samples: source.samples.filter((_, index) => index % shards === 0) };
  if (shards === 1) {
    fillMicrobatch(perCoordinate, seed, data, trainingStep, batch, normals);
    return;
  }
  const whole = wholeMicrobatch(source, batch);
  fillMicrobatch(perCoordinate, seed, data, trainingStep, whole);
  cutShard(whole, shardOf(mesh, rank, source.channels, source.positions, layout), batch);
}

/** Draw one rank's shard of its data coordinate's dy, for x that files gave; as `fillShard` does. */
export function fillShardGradient(
  shape: { readonly channels: number; readonly positionExtents: readonly number[] },
  seed: number,
  mesh: Mesh,
  rank: number,
  trainingStep: number,
  batch: Microbatch,
  layout: Layout,
  normals: NormalSource,
): void {
  const { data } = coordinatesOf(mesh, rank);
  if (mesh.tensor * mesh.sequence === 1) {
    fillGradient(seed, data, trainingStep, batch.dy, normals);
    return;
  }
  const { channels, positionExtents } = shape;
  const whole = wholeMicrobatch({ channels, positions: positionExtents }, batch);
  fillGradient(seed, data, trainingStep, whole.dy);
  cut(whole.dy, whole, shardOf(mesh, rank, channels, positionExtents, layout), batch.dy, batch);
}

type Extent = Pick<Microbatch, "samples" | "channels" | "positions">;
type Start = Pick<Shard, "firstChannel" | "firstPosition">;

/** Copy a part of the channels and positions of a microbatch: x, dy and the mask. */
export function cutShard(whole: Microbatch, start: Start, batch: Microbatch): void {
  cut(whole.x, whole, start, batch.x, batch);
  cut(whole.dy, whole, start, batch.dy, batch);
  if (whole.mask === null || batch.mask === null) return;
  const tokens = (of: Microbatch): Extent => ({ ...of, channels: 1 });
  cut(whole.mask, tokens(whole), { ...start, firstChannel: 0 }, batch.mask, tokens(batch));
}

function cut<T extends FloatArray | Uint8Array>(
  values: T,
  whole: Extent,
  { firstChannel, firstPosition }: Start,
  target: T,
  { samples, channels, positions }: Extent,
): void {
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * whole.channels + firstChannel + c) * whole.positions + firstPosition;
      target.set(values.subarray(from, from + positions), (n * channels + c) * positions);
    }
  }
}

/** Room for all channels and positions of a rank's samples. */
function wholeMicrobatch(
  source: Pick<SyntheticSource, "channels" | "positions">,
  { samples, x, mask }: Microbatch,
): Microbatch {
  const { channels } = source;
  const positions = source.positions.reduce((product, extent) => product * extent, 1);
  const elements = samples * channels * positions;
  const room = () => (x instanceof Float32Array ? new Float32Array(elements) : new Float64Array(elements));
  return {
    samples,
    channels,
    positions,
    x: room(),
    dy: room(),
    mask: mask === null ? null : new Uint8Array(samples * positions),
  };
}
