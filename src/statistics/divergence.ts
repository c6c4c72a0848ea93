import { assert } from "../assert.ts";
import { log, log1p } from "../scenario/elementary-functions.ts";
import { type Moments, variance } from "./moments.ts";

/**
 * How far the statistics a group normalises with are from those of the whole batch, for one channel.
 * m, v: mean and biased variance of the group; M, V: of the whole batch.
 */
export interface Divergence {
  /** |m − M| / √V. */
  readonly meanGap: number;
  /** ln(v/V). */
  readonly logVarianceRatio: number;
  /** KL(N(m, v) ‖ N(M, V)), in nats. */
  readonly kl: number;
  /** Jeffreys divergence: KL(local ‖ global) + KL(global ‖ local), in nats. */
  readonly jeffreys: number;
  /** Squared Wasserstein-2 distance of the two Gaussians, by the unbiased variance of the whole batch. */
  readonly w2: number;
}

const none: Divergence = { meanGap: 0, logVarianceRatio: 0, kl: 0, jeffreys: 0, w2: 0 };

/**
 * Divergence of a group's moments from those of the whole batch that contains it.
 *
 * Equal moments give exactly 0. A group without variance (one value) has an infinite kl, jeffreys and
 * −logVarianceRatio. A whole batch without variance contains only equal groups, and all is 0.
 *
 * @throws AssertionError if the group is empty or larger than the batch.
 */
export function divergenceOf(local: Moments, global: Moments): Divergence {
  assert(
    local.count > 0 && local.count <= global.count,
    `a group of ${local.count} values is no part of a batch of ${global.count}`,
  );
  const v = variance(local, "biased");
  const V = variance(global, "biased");
  if (V === 0 || (v === V && local.mean === global.mean)) return none;
  // From the difference, so that kl and jeffreys keep their digits when v is close to V.
  const excess = (v - V) / V;
  const logVarianceRatio = Math.abs(excess) < 0.5 ? log1p(excess) : logRatio(v / V);
  // One value has no variance; if it has, the value was not finite.
  const unbiased = global.count > 1 ? variance(global, "unbiased") : V;
  const meanGap = Math.abs(local.mean - global.mean) / Math.sqrt(V);
  return {
    meanGap,
    logVarianceRatio,
    kl: (excess - logVarianceRatio + meanGap * meanGap) / 2,
    jeffreys: (excess * excess + meanGap * meanGap * (1 + v / V)) / (2 * (v / V)),
    w2: ((local.mean - global.mean) ** 2 + (Math.sqrt(v) - Math.sqrt(V)) ** 2) / unbiased,
  };
}

/** −∞ for 0, and NaN below, where an implementation keeps negative variances; what is not finite stays so. */
function logRatio(ratio: number): number {
  if (ratio === 0) return Number.NEGATIVE_INFINITY;
  if (ratio < 0) return Number.NaN;
  return Number.isFinite(ratio) ? log(ratio) : ratio;
}
