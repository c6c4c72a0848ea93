import type { ImagesSource } from "../scenario/data-source.ts";
import {
  drawImage,
  drawImageIndices,
  imageClasses,
  imageEdge,
  labelOfImage,
  trainingLabelOf,
} from "../scenario/images.ts";
import type { Activation, Task } from "./layer.ts";
import type { ArraySource } from "./layer-context.ts";

/** Images drawn before, with their labels: every rank of a thread and every normaliser looks at the same ones. */
export type ImageCache = Map<string, { readonly pixels: Float64Array; readonly label: number }>;

/** Telling digits: the input and the targets of a rank's microbatch. */
export interface ImageTask extends Task {
  readonly input: Activation;
  readonly targets: Int32Array;
  readonly classes: number;
}

/** The images of one rank. */
export function imageTask(
  arrays: ArraySource,
  source: ImagesSource,
  seed: number,
  rank: number,
  cache: ImageCache,
): ImageTask {
  const samples = source.samples[rank]!;
  const features = imageEdge * imageEdge;
  const values = arrays.floats(samples * features);
  const targets = arrays.integers(samples);
  const globalBatch = source.samples.reduce((sum, count) => sum + count, 0);
  const before = source.samples.slice(0, rank).reduce((sum, count) => sum + count, 0);
  const load = (set: "training" | "test", n: number, index: number): void => {
    const key = `${set} ${index}`;
    let image = cache.get(key);
    if (image === undefined) {
      const label = set === "test" ? labelOfImage(index) : trainingLabelOf(source, seed, index);
      image = { pixels: drawImage(seed, set, index), label };
      cache.set(key, image);
    }
    values.set(image.pixels, n * features);
    targets[n] = image.label;
  };
  return {
    input: { tokens: samples, features, values, gradients: null },
    targets,
    classes: imageClasses,
    drawMicrobatch(trainingStep) {
      const indices = drawImageIndices(source, seed, rank, trainingStep);
      for (const [n, index] of indices.entries()) load("training", n, index);
    },
    loadTestBatch(batch) {
      for (let n = 0; n < samples; n++) load("test", n, batch * globalBatch + before + n);
    },
  };
}
