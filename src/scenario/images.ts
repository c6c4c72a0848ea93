import type { ImagesSource } from "./data-source.ts";
import { exp } from "./elementary-functions.ts";
import { classShares, drawIndex, runningSums } from "./label-skew.ts";
import type { Microbatch } from "./microbatch.ts";
import { createRandomStream } from "./random.ts";

/** Pixels along an edge of an image. */
export const imageEdge = 8;
const pixels = imageEdge * imageEdge;
export const imageClasses = 10;

/** Strength, brightness and noise of an image: gain = e^(0.3 z), offset = 0.3 z, and 0.45 z on every pixel. */
const spread = { gain: 0.3, offset: 0.3, noise: 0.45 };

/** The digits 0 to 9, 5 wide and 7 high, as on a dot-matrix display. */
const glyphs: readonly (readonly string[])[] = [
  [".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."],
  ["..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."],
  [".###.", "#...#", "....#", "...#.", "..#..", ".#...", "#####"],
  [".###.", "#...#", "....#", "..##.", "....#", "#...#", ".###."],
  ["...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."],
  ["#####", "#....", "####.", "....#", "....#", "#...#", ".###."],
  ["..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###."],
  ["#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."],
  [".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."],
  [".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."],
];
const glyphWidth = 5;
const glyphHeight = 7;

/** The class of image number `index`: classes are equally frequent. */
export function labelOfImage(index: number): number {
  return index % imageClasses;
}

/**
 * The label that training image number `index` is learnt by: its class, or with the probability of `labelNoise` any
 * class. Always the same, whoever draws the image.
 */
export function trainingLabelOf({ labelNoise }: ImagesSource, seed: number, index: number): number {
  if (labelNoise === 0) return labelOfImage(index);
  const purpose = `label of image ${index}`;
  const stream = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose });
  return stream.uniform() < labelNoise ? stream.integer(0, imageClasses - 1) : labelOfImage(index);
}

/**
 * Draw image number `index` of a set: a digit at a random shift inside 8×8, with its own gain, offset and
 * pixel noise. A function of its arguments alone.
 *
 * @returns 64 pixels, row-major.
 */
export function drawImage(seed: number, set: "training" | "test", index: number): Float64Array {
  const purpose = `${set} image ${index}`;
  const stream = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose });
  const left = stream.integer(0, imageEdge - glyphWidth);
  const top = stream.integer(0, imageEdge - glyphHeight);
  const gain = exp(spread.gain * stream.normal());
  const offset = spread.offset * stream.normal();
  const glyph = glyphs[labelOfImage(index)]!;
  const image = new Float64Array(pixels);
  for (let row = 0; row < imageEdge; row++) {
    for (let column = 0; column < imageEdge; column++) {
      const ink = glyph[row - top]?.[column - left] === "#" ? gain : 0;
      image[row * imageEdge + column] = ink + offset + spread.noise * stream.normal();
    }
  }
  return image;
}

/**
 * Numbers of the training images that a rank takes in a step. Shuffled, the ranks share out one draw of the whole
 * batch in rank order, so that the batch is the same however many ranks hold it; otherwise each draws its own.
 */
export function drawImageIndices(
  source: ImagesSource,
  seed: number,
  rank: number,
  trainingStep: number,
): number[] {
  const { trainingSamples, labels, samples } = source;
  const count = samples[rank]!;
  if (labels === "shuffled") {
    const shared = createRandomStream({ seed, rank: "all", trainingStep, purpose: "images" });
    const draw = (): number => shared.integer(0, trainingSamples - 1);
    for (const before of samples.slice(0, rank)) for (let n = 0; n < before; n++) draw();
    return Array.from({ length: count }, draw);
  }
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "images" });
  const ofClass = (label: number): number => {
    const perClass = Math.ceil((trainingSamples - label) / imageClasses);
    return label + imageClasses * stream.integer(0, perClass - 1);
  };
  if (labels === "one-class") return Array.from({ length: count }, () => ofClass(rank % imageClasses));
  const shares = classShares({ classes: imageClasses, concentration: labels.concentration }, seed, rank);
  const cumulative = runningSums(shares);
  return Array.from({ length: count }, () => ofClass(drawIndex(stream, cumulative)));
}

/** The images as raw activations, every pixel a channel. */
export function fillImages(
  source: ImagesSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { x }: Microbatch,
): void {
  for (const [n, index] of drawImageIndices(source, seed, rank, trainingStep).entries())
    x.set(drawImage(seed, "training", index), n * pixels);
}
