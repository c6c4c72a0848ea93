import type { Group } from "../normalizers/group.ts";
import { divergenceOf } from "../statistics/divergence.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";

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
 * Statistics that span ranks (channels): one entry per group and channel, by the group's first rank
 * that holds values; betweenRankShare = Σ n_g/N · meanGap² has one entry per channel.
 */
export function logChannelStatistics(
  entries: DivergenceEntries,
  groups: readonly Group[],
  ranks: readonly RankViews[],
  counts: readonly number[],
  whole: WholeViews,
): void {
  const total = whole.count[0]!;
  if (total === 0) return;
  const holders = groups.filter(({ ranks: [first] }) => counts[first!]! > 0);
  for (let c = 0; c < whole.mean.length; c++) {
    const global = { count: total, mean: whole.mean[c]!, m2: whole.m2[c]! };
    let share = 0;
    for (const group of holders) {
      const first = group.ranks[0]!;
      const { mean, m2 } = ranks[first]!.used;
      const count = counts[first]!;
      share += (count / total) * logDivergence(entries, { count, mean: mean[c]!, m2: m2[c]! }, global) ** 2;
    }
    entries.betweenRankShare.push(share);
  }
}

/** Statistics that live on one rank (tokens): one entry per rank, the mean over its valid tokens. */
export function logTokenStatistics(
  entries: DivergenceEntries,
  rank: RankViews,
  setCount: number,
  count: number,
): void {
  const { used, reference, mask } = rank;
  const perToken = newDivergenceEntries();
  for (let token = 0; token < setCount; token++) {
    if (mask !== null && mask[token] === 0) continue;
    const local = { count, mean: used.mean[token]!, m2: used.m2[token]! };
    const global = { count, mean: reference.mean[token]!, m2: reference.m2[token]! };
    perToken.betweenRankShare.push(logDivergence(perToken, local, global) ** 2);
  }
  for (const metric of metrics) {
    const values = perToken[metric];
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

/** y and dx against the whole batch's: one entry per channel, pooled over ranks in ascending order. */
export function logOutputs(
  entries: DivergenceEntries,
  ranks: readonly RankViews[],
  values: number,
  backward: boolean,
): void {
  if (values === 0) return;
  const channels = ranks[0]!.extent.channels;
  for (let c = 0; c < channels; c++) {
    const y = pooled(ranks, channels, c, ({ comparedY }) => comparedY);
    entries.outputMse.push(y.difference / values);
    entries.outputCosine.push(cosine(y));
    if (backward)
      entries.gradientCosine.push(cosine(pooled(ranks, channels, c, ({ comparedDx }) => comparedDx)));
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
  channels: number,
  channel: number,
  sums: (rank: RankViews) => Float64Array,
): Compared {
  const total = (part: number): number =>
    ranks.reduce((sum, rank) => sum + sums(rank)[part * channels + channel]!, 0);
  return { difference: total(0), product: total(1), square: total(2), squareWhole: total(3) };
}

/** Cosine of two vectors; 1 if they are equal, which covers two vectors of zeros. */
function cosine({ difference, product, square, squareWhole }: Compared): number {
  if (difference === 0) return 1;
  const norms = Math.sqrt(square * squareWhole);
  return norms === 0 ? 0 : product / norms;
}

/** The part of a rank: means over channels of |m − M|/√V and of its own mean squared output error. */
export function rankDivergence(
  rank: RankViews,
  spansRanks: boolean,
  count: number,
  whole: WholeViews,
): RankDivergence {
  const tokens = rank.localCount[0]!;
  if (tokens === 0) return { meanGap: null, outputMse: null };
  const { channels } = rank.extent;
  let difference = 0;
  for (let c = 0; c < channels; c++) difference += rank.comparedY[c]!;
  const outputMse = finite(difference / (tokens * channels));
  const { mean } = rank.used;
  const reference = spansRanks
    ? { mean: whole.mean, m2: whole.m2, count: whole.count[0]! }
    : { ...rank.reference, count };
  const sets = spansRanks ? channels : rank.extent.samples * rank.extent.positions;
  let gap = 0;
  let valid = 0;
  for (let set = 0; set < sets; set++) {
    if (!spansRanks && rank.mask !== null && rank.mask[set] === 0) continue;
    const V = reference.m2[set]! / reference.count;
    gap += V === 0 ? 0 : Math.abs(mean[set]! - reference.mean[set]!) / Math.sqrt(V);
    valid++;
  }
  return { meanGap: finite(gap / valid), outputMse };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
