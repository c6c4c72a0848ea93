import type { Extent } from "../../src/kernels/index-sets.ts";
import type { NormalizerCase } from "./normalizer-case.ts";

// Slow and plain on purpose: one loop nest per formula, float64, index order, nothing shared with src.

/** One batch, whole: what all ranks of a group hold, concatenated in rank order. */
export interface ReferenceInput extends Extent {
  /** [N, C, L]. */
  readonly x: ArrayLike<number>;
  /** [N, C, L]. */
  readonly dy: ArrayLike<number>;
  /** [N, L], 0 is padding; null: none is. */
  readonly mask: ArrayLike<number> | null;
  /** One per channel. */
  readonly weight: ArrayLike<number>;
  /** One per channel. */
  readonly bias: ArrayLike<number>;
  readonly epsilon: number;
  /** GroupNorm's blocks of consecutive channels. */
  readonly groups?: number;
}

/** Forward and backward of one batch. At padding y and dx are 0. */
export interface ReferenceOutput {
  /** [N, C, L]. */
  readonly y: number[];
  /** [N, C, L]. */
  readonly dx: number[];
  /** Σ dy·x̂, one per channel. */
  readonly dWeight: number[];
  /** Σ dy, one per channel. */
  readonly dBias: number[];
  /** Per set: one per channel (BatchNorm), token [N, L] (LayerNorm, RMSNorm), sample and block of channels; 0 where empty. */
  readonly mean: number[];
  /** Biased, per set; RMSNorm's mean square. */
  readonly variance: number[];
  /** Values in each set. */
  readonly count: number[];
}

/** One element of an index set: where it is in [N, C, L], and its channel. */
interface Member {
  readonly at: number;
  readonly channel: number;
}

/** BatchNorm in training: one set per channel, of its valid elements. */
export function batchNormReference(input: ReferenceInput): ReferenceOutput {
  const sets: Member[][] = [];
  for (let c = 0; c < input.channels; c++) {
    const set: Member[] = [];
    for (let n = 0; n < input.samples; n++) {
      for (let l = 0; l < input.positions; l++) {
        if (isValid(input, n, l))
          set.push({ at: (n * input.channels + c) * input.positions + l, channel: c });
      }
    }
    sets.push(set);
  }
  return normalizeSets(input, sets);
}

/** LayerNorm: one set per token, of its channels; a padded token's set is empty. */
export function layerNormReference(input: ReferenceInput): ReferenceOutput {
  return normalizeSets(input, tokenSets(input));
}

/** RMSNorm: LayerNorm's sets, and 0 for their means. */
export function rmsNormReference(input: ReferenceInput): ReferenceOutput {
  return normalizeSets(input, tokenSets(input), false);
}

/** GroupNorm: one set per sample and block of channels, of its valid elements. */
export function groupNormReference(input: ReferenceInput): ReferenceOutput {
  const { samples, channels, positions, groups } = input;
  const perGroup = channels / groups!;
  const sets: Member[][] = [];
  for (let n = 0; n < samples; n++) {
    for (let group = 0; group < groups!; group++) {
      const set: Member[] = [];
      for (let c = group * perGroup; c < (group + 1) * perGroup; c++) {
        for (let l = 0; l < positions; l++) {
          if (isValid(input, n, l)) set.push({ at: (n * channels + c) * positions + l, channel: c });
        }
      }
      sets.push(set);
    }
  }
  return normalizeSets(input, sets);
}

/** InstanceNorm: one set per sample and channel, of its valid positions. */
export function instanceNormReference(input: ReferenceInput): ReferenceOutput {
  const sets: Member[][] = [];
  for (let n = 0; n < input.samples; n++) {
    for (let c = 0; c < input.channels; c++) {
      const set: Member[] = [];
      for (let l = 0; l < input.positions; l++) {
        if (isValid(input, n, l))
          set.push({ at: (n * input.channels + c) * input.positions + l, channel: c });
      }
      sets.push(set);
    }
  }
  return normalizeSets(input, sets);
}

/** The reference of every type of case. */
export const references: Readonly<
  Record<NormalizerCase["type"], (input: ReferenceInput) => ReferenceOutput>
> = {
  "batch-norm": batchNormReference,
  "layer-norm": layerNormReference,
  "rms-norm": rmsNormReference,
  "group-norm": groupNormReference,
  "instance-norm": instanceNormReference,
};

/** What batch renormalisation corrects with. */
export interface Renorm {
  readonly rMax: number;
  readonly dMax: number;
  /** Before this batch. */
  readonly running: RunningReference;
}

/** Batch renormalisation: x̂ becomes r·x̂ + d, with r and d constants of the backward pass. */
export function batchRenormReference(
  input: ReferenceInput,
  { rMax, dMax, running }: Renorm,
): ReferenceOutput {
  const { channels, positions, weight, bias, epsilon } = input;
  const plain = batchNormReference({
    ...input,
    weight: new Array<number>(channels).fill(1),
    bias: new Array<number>(channels).fill(0),
  });
  const bounded = (value: number, least: number, most: number): number =>
    Math.min(Math.max(value, least), most);
  const std = running.variance.map((v) => Math.sqrt(v + epsilon));
  const r = std.map((s, c) => bounded(Math.sqrt(plain.variance[c]! + epsilon) / s, 1 / rMax, rMax));
  const d = std.map((s, c) => bounded((plain.mean[c]! - running.mean[c]!) / s, -dMax, dMax));
  const channelOf = (at: number): number => Math.floor(at / positions) % channels;
  const valid = (at: number): boolean =>
    isValid(input, Math.floor(at / (channels * positions)), at % positions);
  return {
    ...plain,
    y: plain.y.map((xHat, at) => {
      const c = channelOf(at);
      return valid(at) ? weight[c]! * (r[c]! * xHat + d[c]!) + bias[c]! : 0;
    }),
    dx: plain.dx.map((value, at) => value * r[channelOf(at)]! * weight[channelOf(at)]!),
    dWeight: plain.dWeight.map((value, c) => r[c]! * value + d[c]! * plain.dBias[c]!),
  };
}

function tokenSets(input: ReferenceInput): Member[][] {
  const sets: Member[][] = [];
  for (let n = 0; n < input.samples; n++) {
    for (let l = 0; l < input.positions; l++) {
      const set: Member[] = [];
      for (let c = 0; c < input.channels; c++) {
        if (isValid(input, n, l))
          set.push({ at: (n * input.channels + c) * input.positions + l, channel: c });
      }
      sets.push(set);
    }
  }
  return sets;
}

function isValid({ mask, positions }: ReferenceInput, n: number, l: number): boolean {
  return mask === null || mask[n * positions + l] !== 0;
}

function normalizeSets(
  input: ReferenceInput,
  sets: readonly (readonly Member[])[],
  centres = true,
): ReferenceOutput {
  const { x, dy, weight, bias, channels } = input;
  const output: ReferenceOutput = {
    y: new Array<number>(x.length).fill(0),
    dx: new Array<number>(x.length).fill(0),
    dWeight: new Array<number>(channels).fill(0),
    dBias: new Array<number>(channels).fill(0),
    mean: [],
    variance: [],
    count: [],
  };
  for (const set of sets) {
    const mean = centres ? meanOf(set, ({ at }) => x[at]!) : 0;
    const variance = meanOf(set, ({ at }) => (x[at]! - mean) ** 2);
    // v = 0 and ε = 0: no direction is left to normalise, so that x̂ and dx are 0.
    const invStd = variance + input.epsilon === 0 ? 0 : 1 / Math.sqrt(variance + input.epsilon);
    const xHat = ({ at }: Member): number => (x[at]! - mean) * invStd;
    const g = ({ at, channel }: Member): number => dy[at]! * weight[channel]!;
    const meanG = centres ? meanOf(set, g) : 0;
    const meanGXHat = meanOf(set, (member) => g(member) * xHat(member));
    for (const member of set) {
      const { at, channel } = member;
      output.y[at] = weight[channel]! * xHat(member) + bias[channel]!;
      output.dx[at] = invStd * (g(member) - meanG - xHat(member) * meanGXHat);
      output.dWeight[channel]! += dy[at]! * xHat(member);
      output.dBias[channel]! += dy[at]!;
    }
    output.mean.push(mean);
    output.variance.push(variance);
    output.count.push(set.length);
  }
  return output;
}

function meanOf(set: readonly Member[], value: (member: Member) => number): number {
  let sum = 0;
  for (const member of set) sum += value(member);
  return set.length === 0 ? 0 : sum / set.length;
}

/** What running statistics hold after a list of batches. */
export interface RunningReference {
  /** One per channel, from 0. */
  readonly mean: number[];
  /** One per channel, from 1; takes unbiased variances. */
  readonly variance: number[];
}

/**
 * Running statistics as PyTorch keeps them: running ← (1 − momentum)·running + momentum·batch, or
 * with momentum null the average of the batches. An empty batch changes nothing; one value has no
 * unbiased variance and changes only the mean.
 */
export function runningReference(
  batches: readonly Pick<ReferenceOutput, "mean" | "variance" | "count">[],
  momentum: number | null,
  channels: number,
): RunningReference {
  const mean = new Array<number>(channels).fill(0);
  const variance = new Array<number>(channels).fill(1);
  let updates = 0;
  for (const batch of batches) {
    const count = batch.count[0]!;
    if (count === 0) continue;
    updates++;
    const share = momentum ?? 1 / updates;
    for (let c = 0; c < channels; c++) {
      mean[c] = (1 - share) * mean[c]! + share * batch.mean[c]!;
      if (count === 1) continue;
      const unbiased = (batch.variance[c]! * count) / (count - 1);
      variance[c] = (1 - share) * variance[c]! + share * unbiased;
    }
  }
  return { mean, variance };
}
