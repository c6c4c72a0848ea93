import type { LabelSkewSource } from "./data-source.ts";
import { exp } from "./elementary-functions.ts";
import type { Microbatch } from "./microbatch.ts";
import { createRandomStream, type RandomStream } from "./random.ts";

/** Each sample has one class: x = m_class,c + std·z at all its positions. */
export function fillLabelSkew(
  source: LabelSkewSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { samples, channels, positions, x }: Microbatch,
): void {
  const cumulative = runningSums(classShares(source, seed, rank));
  const labels = createRandomStream({ seed, rank, trainingStep, purpose: "labels" });
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "x" });
  // Of the classes that occur: all of them may be far more than this microbatch.
  const meansOfClass = new Map<number, Float64Array>();
  let i = 0;
  for (let n = 0; n < samples; n++) {
    const label = drawIndex(labels, cumulative);
    const means = meansOfClass.get(label) ?? classMeans(source, seed, label);
    meansOfClass.set(label, means);
    for (let c = 0; c < channels; c++) {
      for (let l = 0; l < positions; l++) x[i++] = means[c]! + source.std * stream.normal();
    }
  }
}

/** m_class,c ~ N(0, classSpread²) for every channel; the same on all ranks and at all training steps. */
export function classMeans(
  { channels, classSpread }: LabelSkewSource,
  seed: number,
  label: number,
): Float64Array {
  const purpose = `means of class ${label}`;
  const stream = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose });
  return Float64Array.from({ length: channels }, () => classSpread * stream.normal());
}

/** A rank's probability of each class, Dirichlet(α₀/classes, ...); the same at all training steps. */
export function classShares(
  { classes, concentration }: Pick<LabelSkewSource, "classes" | "concentration">,
  seed: number,
  rank: number,
): Float64Array {
  const stream = createRandomStream({ seed, rank, trainingStep: "all", purpose: "class shares" });
  return dirichletShares(stream, concentration / classes, classes);
}

/**
 * Shares of a symmetric Dirichlet: gamma draws divided by their sum, 1 in total.
 *
 * In logarithms, because the draws themselves all underflow to 0 at small concentrations.
 */
export function dirichletShares(stream: RandomStream, concentration: number, count: number): Float64Array {
  const shares = Float64Array.from({ length: count }, () => stream.logGamma(concentration));
  const largest = shares.reduce((a, b) => Math.max(a, b));
  for (let k = 0; k < count; k++) shares[k] = exp(shares[k]! - largest);
  const total = shares.reduce((a, b) => a + b);
  for (let k = 0; k < count; k++) shares[k] = shares[k]! / total;
  return shares;
}

/** Σ of the terms up to each of them. */
export function runningSums(terms: Float64Array): Float64Array {
  let sum = 0;
  return terms.map((term) => {
    sum += term;
    return sum;
  });
}

/** An index whose cumulative share is the first above a uniform draw; never one of share 0. */
export function drawIndex(stream: RandomStream, cumulative: Float64Array): number {
  const target = stream.uniform() * cumulative.at(-1)!;
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cumulative[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
