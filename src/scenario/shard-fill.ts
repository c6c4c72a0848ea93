import { coordinatesOf, shardOf } from "./mesh.ts";
import type { Microbatch } from "./microbatch.ts";
import type { Mesh, SyntheticSource } from "./scenario.ts";
import { fillMicrobatch } from "./synthetic.ts";

/**
 * Make one rank's shard of its data coordinate's microbatch: writes x, dy and the mask in place.
 *
 * Every tensor and sequence rank draws the whole microbatch from the data coordinate's streams and keeps
 * its part, so that the data do not depend on how channels and positions are spread.
 *
 * @param source has one number of samples per rank, equal on the ranks of a data coordinate.
 */
export function fillShard(
  source: SyntheticSource,
  seed: number,
  mesh: Mesh,
  rank: number,
  trainingStep: number,
  batch: Microbatch,
): void {
  const { data } = coordinatesOf(mesh, rank);
  const shards = mesh.tensor * mesh.sequence;
  const perCoordinate = { ...source, samples: source.samples.filter((_, index) => index % shards === 0) };
  if (shards === 1) {
    fillMicrobatch(perCoordinate, seed, data, trainingStep, batch);
    return;
  }
  const whole = wholeMicrobatch(source, batch);
  fillMicrobatch(perCoordinate, seed, data, trainingStep, whole);
  const shard = shardOf(mesh, rank, source.channels, source.positions);
  const { samples, channels, positions } = batch;
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * whole.channels + shard.firstChannel + c) * whole.positions + shard.firstPosition;
      const to = (n * channels + c) * positions;
      batch.x.set(whole.x.subarray(from, from + positions), to);
      batch.dy.set(whole.dy.subarray(from, from + positions), to);
    }
    const first = n * whole.positions + shard.firstPosition;
    if (whole.mask !== null) batch.mask?.set(whole.mask.subarray(first, first + positions), n * positions);
  }
}

/** Room for all channels and positions of a rank's samples. */
function wholeMicrobatch(source: SyntheticSource, { samples, x, mask }: Microbatch): Microbatch {
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
