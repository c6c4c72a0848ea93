import type { GradientBuckets } from "../frameworks/profile.ts";
import type { TimedLayer } from "./layer-kernels.ts";

/** Bytes of gradients that leave together after the backward pass of layer `afterLayer`. */
export interface GradientBucket {
  readonly bytes: number;
  /** Index in the order of the forward pass. */
  readonly afterLayer: number;
}

/**
 * The buckets of a model, in the order they fill up: from the last layer to the first. A bucket closes
 * with the layer that brings it to its limit. Gradients are float32 whatever the precision.
 */
export function gradientBuckets(
  layers: readonly TimedLayer[],
  { firstBucketBytes, bucketBytes }: GradientBuckets,
): GradientBucket[] {
  const buckets: GradientBucket[] = [];
  let bytes = 0;
  let limit = firstBucketBytes;
  let afterLayer = 0;
  for (let index = layers.length - 1; index >= 0; index--) {
    const { parameters, isFrozen } = layers[index]!.layer;
    if (isFrozen || parameters === 0) continue;
    bytes += 4 * parameters;
    afterLayer = index;
    if (bytes < limit) continue;
    buckets.push({ bytes, afterLayer });
    bytes = 0;
    limit = bucketBytes;
  }
  if (bytes > 0) buckets.push({ bytes, afterLayer });
  return buckets;
}
