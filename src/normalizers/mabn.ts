import type { MabnSpec } from "../scenario/scenario.ts";
import { clip, ratio } from "./batch-renorm.ts";
import { meanSquareNormalizer } from "./mean-square.ts";
import { inverseRoot, type Normalizer, type RankView, type Recurrence } from "./operator.ts";

/** r stays in [1/5, 5]. From the authors' code. */
const ratioMaximum = 5;

/**
 * Moving average batch normalisation: z = x/√(v + ε) without a mean, where v is the average of the mean square
 * over the last `window` steps, and y = γrz + β. r = clip(√(v + ε)/√(running + ε), 1/5, 5) is a constant to the
 * gradient, and 1 in the first steps.
 *
 * Backward: with g = dy·γ·r, dx = (g − z·Ψ)/√(v + ε), where Ψ averages mean(g·z) over the same steps. That is
 * y's derivative where both averages are of one batch: in the first `window` steps, before `warmUp`, or with
 * window 1. Weights of the layer before, which the authors centre instead of x, are no part of this.
 *
 * @see Yan et al. (2020), arXiv 2001.06838, and github.com/megvii-model/MABN, MABN.py
 */
export function mabn(spec: MabnSpec): Normalizer {
  return meanSquareNormalizer((channels) => new MabnRecurrence(channels, spec));
}

class MabnRecurrence implements Recurrence {
  readonly running: Float64Array;
  /** E[x²] and mean(g·z) of the last steps, step t at t mod window: one array per channel. */
  readonly #squares: readonly Float64Array[];
  readonly #products: readonly Float64Array[];
  readonly #spec: MabnSpec;
  #steps = 0;

  constructor(channels: number, spec: MabnSpec) {
    const history = (): Float64Array[] =>
      Array.from({ length: channels }, () => new Float64Array(spec.window));
    this.running = new Float64Array(channels).fill(1);
    this.#squares = history();
    this.#products = history();
    this.#spec = spec;
  }

  normalize(rank: RankView): void {
    const { statistics, epsilon } = rank;
    const { count, m2, invStd, scale } = statistics;
    const { warmUp, renormAfter, momentum } = this.#spec;
    if (count[0]! > 0) this.#steps++;
    for (let c = 0; c < this.running.length; c++) {
      const meanSquare = count[c] === 0 ? 0 : this.#average(this.#squares[c]!, m2[c]! / count[c]!);
      const std = Math.sqrt(meanSquare + epsilon);
      const runningStd = Math.sqrt(this.running[c]! + epsilon);
      const r =
        this.#steps <= Math.max(renormAfter, warmUp)
          ? 1
          : clip(ratio(std, runningStd), 1 / ratioMaximum, ratioMaximum);
      scale[c] = inverseRoot(meanSquare, epsilon);
      invStd[c] = r * scale[c]!;
      if (count[c]! > 0) this.running[c] = (1 - momentum) * this.running[c]! + momentum * meanSquare;
    }
    rank.kernels.normalize(rank.input, rank.sets, statistics, rank, rank.y);
  }

  /** scale arrives as 1/√(v + ε) and invStd as r times that; dx = (dy·γ − x·Ψ·scale/r)·r·scale. */
  differentiate(rank: RankView): void {
    const { statistics, weight } = rank;
    const { count, invStd, sumGXmu, meanG, slope, scale } = statistics;
    meanG.fill(0);
    for (let c = 0; c < this.running.length; c++) {
      slope[c] = 0;
      if (count[c] === 0) continue;
      const average = this.#average(this.#products[c]!, (invStd[c]! * sumGXmu[c]!) / count[c]!);
      if (invStd[c] !== 0) slope[c] = (average * scale[c]! * scale[c]!) / invStd[c]!;
    }
    scale.set(invStd);
    rank.kernels.gradient(rank.input, rank.dy, rank.sets, { ...statistics, weight }, rank.dx);
  }

  /** Keep this step's value: it, or the average of the last steps'. */
  #average(history: Float64Array, value: number): number {
    const { window, warmUp } = this.#spec;
    history[this.#steps % window] = value;
    if (this.#steps <= window || this.#steps < warmUp) return value;
    return history.reduce((sum, kept) => sum + kept, 0) / window;
  }
}
