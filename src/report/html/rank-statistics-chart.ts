import { variance } from "../../statistics/moments.ts";
import { enumerate, plural } from "../format.ts";
import type { ChannelStatistics, RankMoments } from "../rank-statistics.ts";
import { type Bin, binName, binsOf } from "./bin.ts";
import { type Chart, narrowWidth } from "./chart.ts";
import { number, percent } from "./figures.ts";
import { plotOf } from "./plot.ts";
import { legend, line, marker } from "./shapes.ts";

/** Ranks that are drawn one by one. */
const ranksMaximum = 64;
const panelHeight = 150;

const kinds = {
  mean: { noun: "Mean", symbol: "m", of: ({ mean }: RankMoments): number => mean },
  variance: {
    noun: "Variance",
    symbol: "v",
    of: (moments: RankMoments): number => variance(moments, "biased"),
  },
} as const;

const local = "the rank's own microbatch";

interface Panel {
  readonly channel: ChannelStatistics;
  readonly whole: number;
  /** The ranks' own first, then one per normaliser. */
  readonly series: readonly { readonly name: string; readonly bins: readonly Bin[] }[];
}

/** A statistic of a few channels, rank by rank, against the whole batch's. */
export function rankStatisticsChart(
  channels: readonly ChannelStatistics[],
  which: "mean" | "variance",
): Chart {
  const panels = channels.map((channel) => panelOf(channel, which));
  const { noun, symbol } = kinds[which];
  const names = panels[0]!.series.map(({ name }) => name);
  const ranks = Math.max(...channels.flatMap((channel) => channel.local.map(({ rank }) => rank))) + 1;
  const perMark = Math.ceil(channels[0]!.local.length / ranksMaximum);
  const key = legend([...names, "whole batch"], 0, 0, narrowWidth, (series, x, y) =>
    series === names.length ? line(x - 6, y, x + 6, y, "level") : marker(series, x, y),
  );
  const binned =
    perMark === 1 ? "" : ` Each mark stands for ${perMark} ranks: their mean, and the range of their values.`;
  return {
    title: findingOf(channels[0]!, which),
    description:
      `${noun} of ${plural(panels.length, "channel")} on ${plural(ranks, "rank")}, ` +
      `with a dashed line at the whole batch's.`,
    caption:
      `${noun} ${symbol} of x, in units of x${which === "mean" ? "" : " squared"}, in the last training step: where ranks are ` +
      `farthest apart (channel ${channels[0]!.channel}), in the middle and closest. Dashed: the whole batch.${binned}`,
    drawing: {
      width: narrowWidth,
      height: key.height + panels.length * panelHeight,
      content: [
        ...key.content,
        ...panels.flatMap(
          ({ channel, whole, series }, index) =>
            plotOf({
              left: 0,
              top: key.height + index * panelHeight,
              width: narrowWidth,
              height: panelHeight,
              x: {
                label: "rank",
                format: (rank) => (Number.isInteger(rank) ? `${rank}` : ""),
                kind: "linear",
                ticks: 8,
              },
              y: {
                label: `${symbol} of channel ${channel.channel}`,
                format: (value) => number(value, 3),
                kind: "linear",
                startsAtZero: false,
                ticks: 4,
              },
              series: series.map(({ bins }, at) => ({
                index: at,
                points: bins.map(({ first, last, mean, low, high }) => ({
                  x: (channel.local[first]!.rank + channel.local[last]!.rank) / 2,
                  ...{ y: mean, low, high },
                })),
                isJoined: false,
              })),
              levels: [{ y: whole, series: null }],
            }).content,
        ),
      ],
    },
    table: {
      columns: ["channel", "rank", "whole batch", ...names],
      rows: panels.flatMap(({ channel, whole, series }) =>
        series[0]!.bins.map((bin, at) => [
          `${channel.channel}`,
          binName({ first: channel.local[bin.first]!.rank, last: channel.local[bin.last]!.rank }),
          number(whole),
          ...series.map(({ bins }) => number(bins[at]!.mean)),
        ]),
      ),
    },
  };
}

function panelOf(channel: ChannelStatistics, which: "mean" | "variance"): Panel {
  const { of } = kinds[which];
  const binsFor = (ranks: readonly RankMoments[]): Bin[] => binsOf(ranks.map(of), ranksMaximum);
  return {
    channel,
    whole: of({ rank: 0, ...channel.whole }),
    series: [
      { name: local, bins: binsFor(channel.local) },
      ...channel.normalizers.map(({ name, ranks }) => ({ name, bins: binsFor(ranks) })),
    ],
  };
}

/** What the channel with the largest gap shows. */
function findingOf(channel: ChannelStatistics, which: "mean" | "variance"): string {
  const { of, noun } = kinds[which];
  const whole = of({ rank: 0, ...channel.whole });
  const distanceOf = (moments: RankMoments): number => Math.abs(of(moments) - whole);
  const scale = which === "mean" ? Math.sqrt(variance(channel.whole, "biased")) : whole;
  const farthest = channel.local.reduce((a, b) => (distanceOf(b) > distanceOf(a) ? b : a));
  const share = scale === 0 ? 0 : distanceOf(farthest) / scale;
  const distance = which === "mean" ? `${number(share, 2)} standard deviations` : percent(share, 2);
  const far = `In channel ${channel.channel}, the ${noun.toLowerCase()} of rank ${farthest.rank} is ${distance} off the whole batch's`;
  const exact = channel.normalizers.filter(({ ranks }) =>
    ranks.every((it) => distanceOf(it) <= 1e-4 * scale),
  );
  return exact.length === 0 || share <= 1e-4
    ? `${far}.`
    : `${far}; what ${enumerate(exact.map(({ name }) => name))} ${exact.length === 1 ? "uses" : "use"} is not.`;
}
