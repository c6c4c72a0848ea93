import type { MabnSpec, PowerNormSpec, RecurrentSpec } from "../../src/scenario/scenario.ts";
import { expectClose } from "./close.ts";
import type { RankInput, RankOutcome } from "./normalizer-case.ts";

// Slow and plain on purpose: one channel at a time, float64, index order, nothing shared with src.

/** What a training step gives a group of ranks. */
export interface RecurrentOutcome {
  /** In the order of the group's ranks. */
  readonly ranks: readonly RankOutcome[];
  /** Running mean squares after the step, one per channel. */
  readonly running: readonly number[];
  /** Largest magnitudes: of z, √mean z², dy·weight, and 1/√(v + ε) of what dx is divided by. */
  readonly largest: {
    readonly z: number;
    readonly rootZ: number;
    readonly g: number;
    readonly invStd: number;
  };
}

/** What one channel makes of a step: y = weight·factor·x + bias and dx = (g − pull·x)·scale. */
interface Coefficients {
  readonly factor: number;
  readonly pull: number;
  readonly scale: number;
}

/** One channel through the steps, of x and g of the group's valid tokens. */
interface Channel {
  readonly running: number;
  step(x: readonly number[], g: readonly number[]): Coefficients;
}

/** PowerNorm or MABN of a group of ranks, step by step: call it once for every training step. */
export function recurrentReference(
  spec: RecurrentSpec,
  channels: number,
  positions: number,
): (members: readonly RankInput[]) => RecurrentOutcome {
  const states = Array.from({ length: channels }, () =>
    spec.type === "power-norm" ? powerNormChannel(spec) : mabnChannel(spec),
  );
  const of = (value: number | readonly number[], c: number): number =>
    typeof value === "number" ? value : value[c]!;
  return (members) => {
    const zeros = (length: number): number[] => new Array<number>(length).fill(0);
    const ranks = members.map(({ x }) => {
      return { y: zeros(x.length), dx: zeros(x.length), dWeight: zeros(channels), dBias: zeros(channels) };
    });
    const largest = { z: 0, rootZ: 0, g: 0, invStd: 0 };
    for (const [c, state] of states.entries()) {
      const weight = of(spec.weight, c);
      const places = members.flatMap((rank, index) => placesOf(rank, c, channels, positions, index));
      const x = places.map(({ rank, at }) => members[rank]!.x[at]!);
      const dy = places.map(({ rank, at }) => members[rank]!.dy[at]!);
      const { factor, pull, scale } = state.step(
        x,
        dy.map((value) => value * weight),
      );
      for (const [i, { rank, at }] of places.entries()) {
        const target = ranks[rank]!;
        target.y[at] = weight * factor * x[i]! + of(spec.bias, c);
        target.dx[at] = (dy[i]! * weight - pull * x[i]!) * scale;
        target.dWeight[c]! += dy[i]! * factor * x[i]!;
        target.dBias[c]! += dy[i]!;
        largest.z = Math.max(largest.z, Math.abs(factor * x[i]!));
        largest.g = Math.max(largest.g, Math.abs(dy[i]! * weight));
      }
      largest.rootZ = Math.max(largest.rootZ, Math.abs(factor) * Math.sqrt(meanOf(x, (value) => value ** 2)));
      largest.invStd = Math.max(largest.invStd, scale);
    }
    return { ranks, running: states.map(({ running }) => running), largest };
  };
}

function placesOf(
  { samples, mask }: RankInput,
  channel: number,
  channels: number,
  positions: number,
  rank: number,
): { readonly rank: number; readonly at: number }[] {
  return Array.from({ length: samples * positions }, (_, token) => token)
    .filter((token) => mask === null || mask[token] !== 0)
    .map((token) => {
      const sample = Math.floor(token / positions);
      return { rank, at: (sample * channels + channel) * positions + (token % positions) };
    });
}

function powerNormChannel({ warmUp, momentum, momentumBackward, epsilon }: PowerNormSpec): Channel {
  let running = 1;
  let nu = 0;
  let t = 0;
  return {
    get running() {
      return running;
    },
    step(x, g) {
      if (x.length === 0) return { factor: 0, pull: 0, scale: 0 };
      t++;
      const phi = meanOf(x, (value) => value ** 2);
      const factor = 1 / Math.sqrt((t <= warmUp ? phi : running) + epsilon);
      if (t < warmUp) running = (running * (t - 1)) / t + phi / t;
      running = (1 - momentum) * running + momentum * phi;
      const pull = momentumBackward * nu * factor;
      nu += meanOf(x, (value, i) => (g[i]! - pull * value) * factor * value);
      return { factor, pull, scale: 1 / Math.sqrt(phi + epsilon) };
    },
  };
}

function mabnChannel({ window, warmUp, renormAfter, momentum, epsilon }: MabnSpec): Channel {
  let running = 1;
  const squares: number[] = [];
  const products: number[] = [];
  const average = (history: readonly number[]): number =>
    history.length <= window || history.length < warmUp
      ? history.at(-1)!
      : meanOf(history.slice(-window), (value) => value);
  return {
    get running() {
      return running;
    },
    step(x, g) {
      if (x.length === 0) return { factor: 0, pull: 0, scale: 0 };
      squares.push(meanOf(x, (value) => value ** 2));
      const std = Math.sqrt(average(squares) + epsilon);
      const bounded = Math.min(Math.max(std / Math.sqrt(running + epsilon), 1 / 5), 5);
      const ratio = squares.length <= Math.max(renormAfter, warmUp) ? 1 : bounded;
      running = (1 - momentum) * running + momentum * average(squares);
      products.push(meanOf(x, (value, i) => (g[i]! * ratio * value) / std));
      // (g·ratio − z·average)/std, with ratio taken out.
      return { factor: ratio / std, pull: average(products) / std / ratio, scale: ratio / std };
    },
  };
}

function meanOf(values: readonly number[], of: (value: number, index: number) => number): number {
  return values.reduce((sum, value, i) => sum + of(value, i), 0) / values.length;
}

/**
 * Compare the ranks of a group after a training step.
 *
 * With u = 2^-53, a mean of n squares is off by n·u, relative; float32 storage adds 2^-24 for each rank that a
 * payload passes and for the store: r in all, for the four roundings of a value. Then y is off by
 * r·(|weight·z| + |bias|); mean(g·z) and what is kept of it by r·|g|·√mean z², hence dx by
 * r·|g|·(1 + √mean z²·|z|)/√(v + ε); dWeight by n·r·|dy·z|, dBias by n·r·|dy|; with maxima over the step.
 */
export function expectRecurrent(
  got: readonly RankOutcome[],
  { ranks, largest }: RecurrentOutcome,
  spec: RecurrentSpec,
  members: readonly RankInput[],
  storage: "float32" | "float64",
): void {
  const most = (values: readonly number[]): number =>
    values.reduce((m, value) => Math.max(m, Math.abs(value)), 0);
  const tokens = members.reduce((sum, { x }) => sum + x.length, 0);
  const r = 4 * (tokens * 2 ** -53 + (storage === "float32" ? (members.length + 1) * 2 ** -24 : 0));
  const dy = members.reduce((m, rank) => Math.max(m, most(rank.dy)), 0);
  const [weight, bias] = [[spec.weight].flat(), [spec.bias].flat()].map(most) as [number, number];
  for (const [rank, want] of ranks.entries()) {
    expectClose(got[rank]!.y, want.y, 0, r * (weight * largest.z + bias), `rank ${rank}, y`);
    const dx = r * largest.g * (1 + largest.rootZ * largest.z) * largest.invStd;
    expectClose(got[rank]!.dx, want.dx, 0, dx, `rank ${rank}, dx`);
    expectClose(got[rank]!.dWeight, want.dWeight, 0, tokens * r * dy * largest.z, `rank ${rank}, dWeight`);
    expectClose(got[rank]!.dBias, want.dBias, 0, tokens * r * dy, `rank ${rank}, dBias`);
  }
}
