import type { Group } from "../normalizers/group.ts";
import type { SetStatistics } from "../normalizers/operator.ts";
import { divergenceOf } from "../statistics/divergence.ts";
import type { Moments } from "../statistics/moments.ts";
import { finiteOrNull } from "../statistics/summary.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import { holdersOf } from "./whole-batch.ts";

/** The metrics of a normaliser's divergence, in the order a report lists them. */
export const metrics = [
  "meanGap",
  "logVarianceRatio",
  "kl",
  "jeffreys",
  "w2",
  "outputMse",
  "outputCosine",
  "gradientCosine",
  "betweenRankShare",
] as const;
export type Metric = (typeof metrics)[number];

/** One rank's averages, for the report's perRank. */
export interface RankDivergence {
  readonly meanGap: number | null;
  readonly outputMse: number | null;
}

/** Every entry of every metric of one normaliser, pooled over training steps. */
export type DivergenceEntries = Readonly<Record<Metric, number[]>>;

export function newDivergenceEntries(): DivergenceEntries {
  return Object.fromEntries(metrics.map((metric) => [metric, [] as number[]])) as Record<Metric, number[]>;
}

/**
 * Statistics that span ranks (channels): one entry per group, slice and channel, by the group's first
 * rank, where there are values; betweenRankShare = Σ n_g/N · meanGap² has one entry per channel.
 */
export function logChannelStatistics(
  entries: DivergenceEntries,
  groups: readonly Group[],
  ranks: readonly Pick<RankViews, "used" | "extent" | "firstChannel" | "localCount">[],
  setCounts: readonly number[],
  whole: Pick<WholeViews, "count" | "mean" | "m2">,
): void {
  const total = whole.count[0]!;
  if (total === 0) return;
  for (let c = 0; c < whole.mean.length; c++) {
    const global = { count: total, mean: whole.mean[c]!, m2: whole.m2[c]! };
    let share = 0;
    for (const { ranks: members } of groups) {
      const first = members[0]!;
      const { used, extent, firstChannel } = ranks[first]!;
      const own = c - firstChannel;
      if (own < 0 || own >= extent.channels) continue;
      for (let set = own; set < setCounts[first]!; set += extent.channels) {
        const local = usedMoments(used, set, members.length === 1 ? null : valuesOfGroup(ranks, members));
        if (local.count > 0) share += (local.count / total) * logDivergence(entries, local, global) ** 2;
      }
    }
    entries.betweenRankShare.push(share);
  }
}

/** Values per channel on the ranks of a group. */
export function valuesOfGroup(
  ranks: readonly Pick<RankViews, "localCount">[],
  members: readonly number[],
): number {
  return members.reduce((sum, rank) => sum + ranks[rank]!.localCount[0]!, 0);
}

/** Mean and variance that were used, of as many values as there were, where an implementation believes in another count. */
function usedMoments({ count, mean, m2 }: SetStatistics, set: number, values: number | null): Moments {
  if (values === null || values === count[set]) return { count: count[set]!, mean: mean[set]!, m2: m2[set]! };
  return { count: values, mean: mean[set]!, m2: (m2[set]! / count[set]!) * values };
}

/** Statistics of a sample (tokens, blocks of its channels): one entry per rank, the mean over those of any values. */
export function logResidentStatistics(
  entries: DivergenceEntries,
  rank: Pick<RankViews, "used" | "reference">,
  setCount: number,
): void {
  const { used, reference } = rank;
  const perSet = newDivergenceEntries();
  for (let set = 0; set < setCount; set++) {
    const count = used.count[set]!;
    if (count === 0) continue;
    const local = { count, mean: used.mean[set]!, m2: used.m2[set]! };
    const global = { count: reference.count[set]!, mean: reference.mean[set]!, m2: reference.m2[set]! };
    perSet.betweenRankShare.push(logDivergence(perSet, local, global) ** 2);
  }
  for (const metric of metrics) {
    const values = perSet[metric];
    if (values.length > 0)
      entries[metric].push(values.reduce((sum, value) => sum + value, 0) / values.length);
  }
}

function logDivergence(
  entries: DivergenceEntries,
  local: Parameters<typeof divergenceOf>[0],
  global: Parameters<typeof divergenceOf>[1],
): number {
  const divergence = divergenceOf(local, global);
  entries.meanGap.push(divergence.meanGap);
  entries.logVarianceRatio.push(divergence.logVarianceRatio);
  entries.kl.push(divergence.kl);
  entries.jeffreys.push(divergence.jeffreys);
  entries.w2.push(divergence.w2);
  return divergence.meanGap;
}

/** y and dx against the whole batch's: one entry per channel, pooled over the ranks that hold it, in ascending order. */
export function logOutputs(
  entries: DivergenceEntries,
  ranks: readonly RankViews[],
  whole: WholeViews,
  backward: boolean,
): void {
  if (whole.count[0] === 0) return;
  for (let c = 0; c < whole.mean.length; c++) {
    const holders = holdersOf(ranks, c);
    const values = holders.reduce((sum, { localCount }) => sum + localCount[0]!, 0);
    const y = pooled(holders, c, ({ comparedY }) => comparedY);
    entries.outputMse.push(y.difference / values);
    entries.outputCosine.push(cosine(y));
    if (backward) entries.gradientCosine.push(cosine(pooled(holders, c, ({ comparedDx }) => comparedDx)));
  }
}

interface Compared {
  readonly difference: number;
  readonly product: number;
  readonly square: number;
  readonly squareWhole: number;
}

function pooled(
  ranks: readonly RankViews[],
  channel: number,
  sums: (rank: RankViews) => Float64Array,
): Compared {
  const total = (part: number): number =>
    ranks.reduce((sum, rank) => {
      const { firstChannel, extent } = rank;
      return sum + sums(rank)[part * extent.channels + channel - firstChannel]!;
    }, 0);
  return { difference: total(0), product: total(1), square: total(2), squareWhole: total(3) };
}

/** Cosine of two vectors; 1 if they are equal, which covers two vectors of zeros. */
function cosine({ difference, product, square, squareWhole }: Compared): number {
  if (difference === 0) return 1;
  const norms = Math.sqrt(square * squareWhole);
  return norms === 0 ? 0 : product / norms;
}

/**
 * The part of a rank: means over its statistics of |m − M|/√V and over its values of the squared output
 * error. `shared`: the rank's channels of the whole batch, whose statistics are M and V where sets span ranks.
 */
export function rankDivergence(rank: RankViews, setCount: number, shared: WholeViews | null): RankDivergence {
  const tokens = rank.localCount[0]!;
  if (tokens === 0) return { meanGap: null, outputMse: null };
  const { channels } = rank.extent;
  let difference = 0;
  for (let c = 0; c < channels; c++) difference += rank.comparedY[c]!;
  const outputMse = finiteOrNull(difference / (tokens * channels));
  const { used, reference } = rank;
  let gap = 0;
  let valid = 0;
  for (let set = 0; set < setCount; set++) {
    if (used.count[set] === 0) continue;
    const whole = shared === null ? set : set % channels;
    const { mean, m2 } = shared ?? reference;
    const V = m2[whole]! / (shared === null ? reference.count[set]! : shared.count[0]!);
    gap += V === 0 ? 0 : Math.abs(used.mean[set]! - mean[whole]!) / Math.sqrt(V);
    valid++;
  }
  return { meanGap: finiteOrNull(gap / valid), outputMse };
}
