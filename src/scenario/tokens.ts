import type { Microbatch } from "./microbatch.ts";
import { createRandomStream } from "./random.ts";
import type { TokensSource } from "./training.ts";

/** The symbol in front of the one to be told; the others are 1, 2, ... */
export const marker = 0;

/** A sequence without its padding. */
export interface TokenSequence {
  readonly tokens: Uint8Array;
  /** The class, counted from 0: the symbol behind the marker is class + 1. */
  readonly label: number;
}

/** How many symbols can follow the marker. */
export function tokenClasses({ channels }: Pick<TokensSource, "channels">): number {
  return channels - 1;
}

/**
 * Draw sequence number `index` of a set: symbols without order but for one marker, not at the end. Numbers
 * that follow each other have all classes, then all lengths, equally often. A function of its arguments alone.
 */
export function drawSequence(
  source: TokensSource,
  seed: number,
  set: "training" | "test",
  index: number,
): TokenSequence {
  const classes = tokenClasses(source);
  const label = index % classes;
  const length = source.minLength + (Math.floor(index / classes) % lengthCount(source));
  const purpose = `${set} sequence ${index}`;
  const stream = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose });
  const tokens = Uint8Array.from({ length }, () => stream.integer(1, classes));
  const at = stream.integer(0, length - 2);
  tokens[at] = marker;
  tokens[at + 1] = label + 1;
  return { tokens, label };
}

/**
 * Numbers of the training sequences that a rank takes in a step. Shuffled, the ranks share out one draw of the
 * whole batch in rank order, so that the batch is the same however many ranks hold it; bucketed, each draws from
 * its share of the lengths.
 */
export function drawSequenceIndices(
  source: TokensSource,
  seed: number,
  rank: number,
  trainingStep: number,
): number[] {
  const { trainingSamples, lengths, samples } = source;
  const count = samples[rank]!;
  if (lengths === "shuffled") {
    const shared = createRandomStream({ seed, rank: "all", trainingStep, purpose: "sequences" });
    const draw = (): number => shared.integer(0, trainingSamples - 1);
    for (const before of samples.slice(0, rank)) for (let n = 0; n < before; n++) draw();
    return Array.from({ length: count }, draw);
  }
  const stream = createRandomStream({ seed, rank, trainingStep, purpose: "sequences" });
  const classes = tokenClasses(source);
  const period = classes * lengthCount(source);
  const worldSize = samples.length;
  return Array.from({ length: count }, () => {
    const quantile = (rank + stream.uniform()) / worldSize;
    const first = classes * Math.floor(quantile * lengthCount(source)) + stream.integer(0, classes - 1);
    return first + period * stream.integer(0, Math.ceil((trainingSamples - first) / period) - 1);
  });
}

/** How many lengths occur. */
export function lengthCount({ minLength, maxLength }: Pick<TokensSource, "minLength" | "maxLength">): number {
  return maxLength - minLength + 1;
}

/** The sequences as raw activations: every symbol is a channel, 1 where it stands; 0 at padding. */
export function fillTokens(
  source: TokensSource,
  seed: number,
  rank: number,
  trainingStep: number,
  { channels, positions, x, dy, mask }: Microbatch,
): void {
  x.fill(0);
  mask?.fill(0);
  for (const [n, index] of drawSequenceIndices(source, seed, rank, trainingStep).entries()) {
    const { tokens } = drawSequence(source, seed, "training", index);
    for (const [l, token] of tokens.entries()) x[(n * channels + token) * positions + l] = 1;
    mask?.fill(1, n * positions, n * positions + tokens.length);
    for (let c = 0; c < channels; c++)
      dy.fill(0, (n * channels + c) * positions + tokens.length, (n * channels + c + 1) * positions);
  }
}
