import { assert } from "../assert.ts";
import type { GaussianSource, HeavyTailedSource, SequencesSource, SyntheticSource } from "./data-source.ts";
import { exp } from "./elementary-functions.ts";
import { fillImages } from "./images.ts";
import { fillLabelSkew } from "./label-skew.ts";
import type { FloatArray, Microbatch } from "./microbatch.ts";
import { createRandomStream } from "./random.ts";
import { fillTokens } from "./tokens.ts";

/**
 * Make one rank's microbatch of one training step: writes x, dy and the mask in place.
 *
 * A function of its arguments alone: no other rank and no other training step changes it. dy ~ N(0, 1).
 * Numbers are drawn in float64 in row-major order and rounded once on store.
 *
 * @throws AssertionError if the batch does not have the source's shape, or has a mask where the
 *   source has none.
 */
export function fillMicrobatch(
  source: SyntheticSource,
  seed: number,
  rank: number,
  trainingStep: number,
  batch: Microbatch,
): void {
  assertShape(source, rank, batch);
  fillGradient(seed, rank, trainingStep, batch.dy);
  switch (source.source) {
    case "gaussian":
      fillGaussian(source, seed, rank, trainingStep, batch);
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
      fillSequences(source, seed, rank, trainingStep, batch);
  }
}

/** The source as it is at a training step: a drifting mean has moved. */
export function driftedSource(source: SyntheticSource, trainingStep: number): SyntheticSource {
  if (source.source !== "gaussian") return source;
  return { ...source, mean: source.mean + source.drift * source.std * trainingStep };
}

/** Draw dy ~ N(0, 1), whatever the source of x. */
export function fillGradient(seed: number, rank: number, trainingStep: number, dy: FloatArray): void {
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "dy" });
  for (let i = 0; i < dy.length; i++) dy[i] = stream.normal();
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
): void {
  const { mean, std, channelSpread, positionCorrelation } = source;
  const shared = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose: "channels" });
  const means = new Float64Array(channels);
  const stds = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    means[c] = mean + std * channelSpread * shared.normal();
    stds[c] = std * exp(channelSpread * shared.normal());
  }
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "x" });
  const common = Math.sqrt(positionCorrelation);
  const own = Math.sqrt(1 - positionCorrelation);
  let i = 0;
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      const level = common * stream.normal();
      for (let l = 0; l < positions; l++) x[i++] = means[c]! + stds[c]! * (level + own * stream.normal());
    }
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
): void {
  const lengths = createRandomStream({ seed, rank, trainingStep, purpose: "lengths" });
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "x" });
  for (let i = 0; i < x.length; i++) x[i] = mean + std * stream.normal();
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
