import { assert } from "../assert.ts";
import type { NormalSource } from "../kernels/kernels.ts";
import type { GaussianSource, HeavyTailedSource, SequencesSource, SyntheticSource } from "./data-source.ts";
import { exp } from "./elementary-functions.ts";
import { fillImages } from "./images.ts";
import { fillLabelSkew } from "./label-skew.ts";
import type { FloatArray, Microbatch } from "./microbatch.ts";
import { createRandomStream, drawNormals } from "./random.ts";
import { streamState } from "./stream-state.ts";
import { fillTokens } from "./tokens.ts";

/**
 * Make one rank's microbatch of one training step: writes x, dy and the mask in place.
 *
 * A function of its arguments alone: no other rank and no other training step changes it. dy ~ N(0, 1).
 * Numbers are drawn in float64 in row-major order and rounded once on store.
 *
 * @param normals draws those of dy and of the plainer sources; a kernel's may need the arrays to lie in its memory.
 * @throws AssertionError if the batch does not have the source's shape, or has a mask where the
 *   source has none.
 */
export function fillMicrobatch(
  source: SyntheticSource,
  seed: number,
  rank: number,
  trainingStep: number,
  batch: Microbatch,
  normals: NormalSource = drawNormals,
): void {
  assertShape(source, rank, batch);
  fillGradient(seed, rank, trainingStep, batch.dy, normals);
  switch (source.source) {
    case "gaussian":
      fillGaussian(source, seed, rank, trainingStep, batch, normals);
      break;
    case "heavy-tailed":
      fillHeavyTailed(source, seed, rank, trainingStep, batch);
      break;
    case "label-skew":
      fillLabelSkew(source, seed, rank, trainingStep, batch);
      break;
    case "images":
      fillImages(source, seed, rank, trainingStep, batch);
      break;
    case "tokens":
      fillTokens(source, seed, rank, trainingStep, batch);
      break;
    case "sequences":
      fillSequences(source, seed, rank, trainingStep, batch, normals);
  }
}

/** The source as it is at a training step: a drifting mean has moved. */
export function driftedSource(source: SyntheticSource, trainingStep: number): SyntheticSource {
  if (source.source !== "gaussian") return source;
  return { ...source, mean: source.mean + source.drift * source.std * trainingStep };
}

/** Draw dy ~ N(0, 1), whatever the source of x. */
export function fillGradient(
  seed: number,
  rank: number,
  trainingStep: number,
  dy: FloatArray,
  normals: NormalSource = drawNormals,
): void {
  normals(streamState({ seed, rank, trainingStep, purpose: "dy" })).fill(dy, 0, 1, 0, 1);
}

function assertShape(source: SyntheticSource, rank: number, batch: Microbatch): void {
  const { samples, channels, positions, x, dy, mask } = batch;
  const got = `[${samples}, ${channels}, ${positions}]`;
  const extent = source.positions.reduce((product, extent) => product * extent, 1);
  const want = `[${source.samples[rank]}, ${source.channels}, ${extent}]`;
  assert(got === want, `rank ${rank}: a microbatch of ${got} for a source of ${want}`);
  const elements = samples * channels * positions;
  assert(x.length === elements, `x of ${got} has ${x.length} elements`);
  assert(dy.length === elements, `dy of ${got} has ${dy.length} elements`);
  const isMasked = "masked" in source && source.masked;
  assert((mask !== null) === isMasked, `${source.source}: a mask is ${isMasked ? "missing" : "unexpected"}`);
  const tokens = samples * positions;
  assert(mask === null || mask.length === tokens, `the mask of ${got} has ${mask?.length} elements`);
}

/** x = μ_c + σ_c (√ρ z_sample,channel + √(1 − ρ) z); all ranks share μ and σ. */
function fillGaussian(
  source: GaussianSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { samples, channels, positions, x }: Microbatch,
  normals: NormalSource,
): void {
  const { mean, std, channelSpread, positionCorrelation } = source;
  const shared = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose: "channels" });
  const means = new Float64Array(channels);
  const stds = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    means[c] = mean + std * channelSpread * shared.normal();
    stds[c] = std * exp(channelSpread * shared.normal());
  }
  const draws = normals(streamState({ seed, rank, trainingStep, purpose: "x" }));
  const common = Math.sqrt(positionCorrelation);
  const own = Math.sqrt(1 - positionCorrelation);
  for (let row = 0; row < samples * channels; row++) {
    const c = row % channels;
    const level = common * draws.normal();
    draws.fill(x.subarray(row * positions, (row + 1) * positions), means[c]!, stds[c]!, level, own);
  }
}

/** Student t is z / √(χ²/degrees), χ² = 2 gamma(degrees/2), of variance degrees/(degrees − 2). */
function fillHeavyTailed(
  { mean, std, degreesOfFreedom }: HeavyTailedSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { x }: Microbatch,
): void {
  assert(degreesOfFreedom > 2, `Student t with ${degreesOfFreedom} degrees of freedom has no variance`);
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "x" });
  for (let i = 0; i < x.length; i++) {
    const t = stream.normal() * Math.sqrt((degreesOfFreedom - 2) / (2 * stream.gamma(degreesOfFreedom / 2)));
    x[i] = mean + std * t;
  }
}

/** x ~ N(mean, std²) up to each sequence's length; zeros in x and dy behind it. */
function fillSequences(
  { minLength, maxLength, mean, std }: SequencesSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { samples, channels, positions, x, dy, mask }: Microbatch,
  normals: NormalSource,
): void {
  const lengths = createRandomStream({ seed, rank, trainingStep, purpose: "lengths" });
  normals(streamState({ seed, rank, trainingStep, purpose: "x" })).fill(x, mean, std, 0, 1);
  for (let n = 0; n < samples; n++) {
    const length = lengths.integer(minLength, maxLength);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * positions;
      x.fill(0, start + length, start + positions);
      dy.fill(0, start + length, start + positions);
    }
    mask?.fill(1, n * positions, n * positions + length);
    mask?.fill(0, n * positions + length, (n + 1) * positions);
  }
}
