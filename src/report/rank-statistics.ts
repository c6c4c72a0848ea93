import type { RankViews } from "../engine/arena-views.ts";
import type { CompletedPass } from "../engine/coordinator.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { emptyMoments, type Moments, mergeMoments } from "../statistics/moments.ts";

/** Moments of one channel on one rank. */
export interface RankMoments extends Moments {
  readonly rank: number;
}

/** One channel: the whole batch, what each rank holds of it, what synchronised normalisers used on each rank. */
export interface ChannelStatistics {
  readonly channel: number;
  readonly whole: Moments;
  /** Largest |m − M|/√V of a rank. */
  readonly gap: number;
  /** Ranks that hold values of the channel. */
  readonly local: readonly RankMoments[];
  readonly normalizers: { readonly name: string; readonly ranks: readonly RankMoments[] }[];
}

/** Normalisers that are kept besides the ranks' own statistics. */
const normalizersMaximum = 4;

/**
 * Watches the passes of a run and keeps, of its last training step, the statistics of three channels: those where ranks
 * are farthest from the whole batch, in the middle, and closest.
 */
export class StatisticsObserver {
  readonly #scenario: Scenario;
  #channels: ChannelStatistics[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The kept channels; the first has the largest gap. None if no rank has a value. */
  get channels(): readonly ChannelStatistics[] {
    return this.#channels;
  }

  /** To be called after every pass, while the ranks' arrays still hold it. */
  observe({ trainingStep, normalizer, ranks }: CompletedPass): void {
    const { trainingSteps, normalizers } = this.#scenario;
    if (trainingStep !== trainingSteps - 1) return;
    if (normalizer === 0) this.#channels = mostTelling(everyChannel(ranks));
    const spec = normalizers[normalizer]!;
    if (!("group" in spec) || spec.group === "rank") return;
    for (const { channel, normalizers: kept } of this.#channels)
      if (kept.length < normalizersMaximum)
        kept.push({ name: spec.name, ranks: momentsOf(ranks, channel, usedMoments) });
  }
}

function everyChannel(ranks: readonly RankViews[]): ChannelStatistics[] {
  const channels = Math.max(...ranks.map(({ firstChannel, extent }) => firstChannel + extent.channels));
  return Array.from({ length: channels }, (_, channel) => {
    const local = momentsOf(ranks, channel, ({ localCount, localMean, localM2 }, own) => ({
      count: localCount[0]!,
      mean: localMean[own]!,
      m2: localM2[own]!,
    }));
    const whole = local.reduce<Moments>(mergeMoments, emptyMoments);
    const deviation = Math.sqrt(whole.m2 / whole.count);
    const gaps = local.map(({ mean }) => (deviation === 0 ? 0 : Math.abs(mean - whole.mean) / deviation));
    return { channel, whole, gap: Math.max(0, ...gaps), local, normalizers: [] };
  }).filter(({ whole }) => whole.count > 0);
}

/** The channel with the largest gap, the middle one and the one with the smallest. */
function mostTelling(channels: readonly ChannelStatistics[]): ChannelStatistics[] {
  const sorted = channels.toSorted((a, b) => b.gap - a.gap || a.channel - b.channel);
  const places = new Set([0, Math.floor((sorted.length - 1) / 2), sorted.length - 1]);
  return [...places].flatMap((place) => sorted[place] ?? []);
}

const usedMoments = ({ used }: RankViews, own: number): Moments => {
  return { count: used.count[own]!, mean: used.mean[own]!, m2: used.m2[own]! };
};

/** Of the ranks that hold values of a channel, ascending. */
function momentsOf(
  ranks: readonly RankViews[],
  channel: number,
  read: (views: RankViews, own: number) => Moments,
): RankMoments[] {
  return ranks.flatMap((views, rank) => {
    const own = channel - views.firstChannel;
    if (own < 0 || own >= views.extent.channels) return [];
    const moments = read(views, own);
    return moments.count === 0 || views.localCount[0] === 0 ? [] : [{ rank, ...moments }];
  });
}
