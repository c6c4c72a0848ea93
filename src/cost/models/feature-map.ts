import { assert } from "../../assert.ts";

/**
 * The activations of one sample between two layers, [C, H, W]; in a head that looks at regions of
 * interest, one such map a region. A sequence of tokens is a map of height tokens and width 1.
 */
export interface FeatureMap {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly regions: number;
}

/** A map of the whole image. */
export function imageMap(channels: number, height: number, width: number): FeatureMap {
  return { channels, height, width, regions: 1 };
}

/** A sequence of tokens, each of `width` features. */
export function tokenMap(tokens: number, width: number): FeatureMap {
  return { channels: width, height: tokens, width: 1, regions: 1 };
}

/** Positions of one sample: what batch normalisation averages over, besides the samples. */
export function positionsOf(map: FeatureMap): number {
  return map.regions * map.height * map.width;
}

/** Elements of one sample. */
export function elementsOf(map: FeatureMap): number {
  return map.channels * positionsOf(map);
}

/** The same numbers as one vector a region: no work, only another shape. */
export function flatten(map: FeatureMap): FeatureMap {
  const channels = map.channels * map.height * map.width;
  return { channels, height: 1, width: 1, regions: map.regions };
}

/**
 * How a kernel slides over a map. Dilation is left out: with padding that keeps the kernel centred it
 * moves what is read, and changes neither the map that is left nor the operations.
 */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/**
 * The map that a sliding window leaves, with other channels.
 *
 * @throws AssertionError if the window does not fit in the padded map.
 * @see https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html, section Shape
 */
export function slide(map: FeatureMap, window: Window, channels: number): FeatureMap {
  const height = placements(map.height, window);
  const width = placements(map.width, window);
  return { channels, height, width, regions: map.regions };
}

function placements(extent: number, { kernel, stride, padding }: Window): number {
  const count = Math.floor((extent + 2 * padding - kernel) / stride) + 1;
  assert(count >= 1, `a window of ${kernel} does not fit in ${extent} padded by ${padding}`);
  return count;
}
