import type { PowerNormSpec } from "../scenario/scenario.ts";
import { meanSquareNormalizer } from "./mean-square.ts";
import { inverseRoot, type Normalizer, type RankView, type Recurrence } from "./operator.ts";

/**
 * PowerNorm: z = x/√(φ + ε) without a mean, where φ is the batch's mean square φ_B during warm-up and then
 * a running one; y = γz + β.
 *
 * Backward: with g = dy·γ, g′ = g − (1 − α)·ν·z, dx = g′/√(φ_B + ε) and ν ← ν + mean(g′·z), from ν = 0. That is
 * no derivative of y: a first step takes φ as a constant (ν = 0), and where batches repeat, ν settles where
 * mean(g′·z) = 0, which for ε = 0 is the derivative through φ_B. Means are over valid tokens; the authors' code
 * takes those of the backward pass over padding too.
 *
 * GroupScaling, which the authors put before it, is a layer of its own and no part of this: x is what it gave.
 *
 * @see Shen et al. (2020), arXiv 2003.07845, and github.com/sIncerass/powernorm, mask_powernorm.py
 */
export function powerNorm(spec: PowerNormSpec): Normalizer {
  return meanSquareNormalizer((channels) => new PowerNormRecurrence(channels, spec));
}

class PowerNormRecurrence implements Recurrence {
  readonly running: Float64Array;
  /** ν, the error that corrections have left. */
  readonly #error: Float64Array;
  readonly #spec: PowerNormSpec;
  #steps = 0;

  constructor(channels: number, spec: PowerNormSpec) {
    this.running = new Float64Array(channels).fill(1);
    this.#error = new Float64Array(channels);
    this.#spec = spec;
  }

  normalize(rank: RankView): void {
    const { statistics, epsilon } = rank;
    const { count, m2, invStd, scale } = statistics;
    if (count[0]! > 0) this.#steps++;
    for (let c = 0; c < this.running.length; c++) {
      const meanSquare = count[c] === 0 ? 0 : m2[c]! / count[c]!;
      scale[c] = inverseRoot(meanSquare, epsilon);
      invStd[c] = this.#steps <= this.#spec.warmUp ? scale[c]! : inverseRoot(this.running[c]!, epsilon);
      if (count[c]! > 0) this.running[c] = this.#tracked(this.running[c]!, meanSquare);
    }
    rank.kernels.normalize(rank.input, rank.sets, statistics, rank, rank.y);
  }

  /** Before the end of the warm-up the authors' code averages cumulatively, and then moves once more. */
  #tracked(running: number, meanSquare: number): number {
    const { warmUp, momentum } = this.#spec;
    const t = this.#steps;
    const averaged = t < warmUp ? (running * (t - 1)) / t + meanSquare / t : running;
    return (1 - momentum) * averaged + momentum * meanSquare;
  }

  differentiate(rank: RankView): void {
    const { statistics, weight } = rank;
    const { count, m2, invStd, sumGXmu, meanG, slope } = statistics;
    meanG.fill(0);
    for (let c = 0; c < this.running.length; c++) {
      const correction = this.#spec.momentumBackward * this.#error[c]!;
      slope[c] = correction * invStd[c]!;
      if (count[c] === 0) continue;
      const meanGZ = (invStd[c]! * sumGXmu[c]!) / count[c]!;
      const meanZZ = (invStd[c]! * invStd[c]! * m2[c]!) / count[c]!;
      this.#error[c]! += meanGZ - correction * meanZZ;
    }
    rank.kernels.gradient(rank.input, rank.dy, rank.sets, { ...statistics, weight }, rank.dx);
  }
}
