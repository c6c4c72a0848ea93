import { gpuOf } from "../clusters/gpus.ts";
import type { CollectiveRequest } from "./request.ts";

/** Time of one hop between neighbours (jax-ml.github.io/scaling-book/sharding: about 1 µs). */
const hopSeconds = 1e-6;

/** Chips along each axis of the most cubic torus of so many chips, longest first. */
export function torusAxes(chips: number): readonly [number, number, number] {
  let best: [number, number, number] = [chips, 1, 1];
  for (let z = 1; z * z * z <= chips; z++) {
    if (chips % z !== 0) continue;
    for (let y = z; y * y * z <= chips; y++) {
      if ((chips / z) % y === 0) best = [chips / z / y, y, z];
    }
  }
  return best;
}

/**
 * Seconds of a collective over a 3D torus of TPU chips, with rings that wrap around every axis.
 *
 * All-gather: the larger of the hops to the far side, half of every axis, and the bytes over the links of all
 * axes, both ways. Reduce-scatter and broadcast as much, all-reduce twice that.
 *
 * @see https://jax-ml.github.io/scaling-book/sharding
 */
export function torusSeconds({ cluster, operation, nodes, gpusPerNode, bytes }: CollectiveRequest): number {
  const axes = torusAxes(nodes * gpusPerNode).filter((extent) => extent > 1);
  const hops = axes.reduce((sum, extent) => sum + extent / 2, 0);
  const oneLink = gpuOf(cluster.gpu)!.linkBandwidthBytesPerSecond;
  const gather = Math.max(hopSeconds * hops, bytes / (2 * oneLink * axes.length));
  return operation === "all-reduce" ? 2 * gather : gather;
}
