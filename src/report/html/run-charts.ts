import type { NormalizerRecord, Simulation } from "../../engine/simulation.ts";
import { enumerate } from "../format.ts";
import type { ChannelStatistics } from "../rank-statistics.ts";
import type { NormalizerReport, Report } from "../report.ts";
import type { Chart } from "./chart.ts";
import { collectivesTimeline } from "./collectives-timeline.ts";
import { divergenceChart } from "./divergence-chart.ts";
import { layerDivergenceCharts } from "./layer-divergence-chart.ts";
import { linkChart } from "./link-chart.ts";
import { type Choice, type ParetoAxes, paretoChart } from "./pareto-chart.ts";
import { rankStatisticsChart } from "./rank-statistics-chart.ts";
import { gradientChart, learningCharts } from "./training-charts.ts";

/** Maps of links that one page shows. */
const mapsMaximum = 4;

/** Charts under a heading. */
export interface ChartSection {
  readonly heading: string;
  readonly charts: readonly Chart[];
}

/** What a run found, apart from its messages. */
export function resultCharts(
  report: Report,
  simulation: Simulation,
  channels: readonly ChannelStatistics[],
): ChartSection[] {
  if (report.scenario.training === null)
    return [{ heading: "Cost and divergence", charts: divergenceCharts(report, simulation, channels) }];
  return [
    { heading: "What was learnt", charts: learningCharts(report) },
    {
      heading: "Inside the network",
      charts: [gradientChart(report), ...layerDivergenceCharts(report)],
    },
  ];
}

/** Cost against divergence, divergence by channel, statistics rank by rank. */
function divergenceCharts(
  report: Report,
  simulation: Simulation,
  channels: readonly ChannelStatistics[],
): Chart[] {
  return [
    paretoChart(choicesOf(report), paretoTexts(report, report.scenario.cluster.name)),
    ...(simulation.normalizers[0]!.divergence.outputMse.length === 0
      ? []
      : [divergenceChart(report, simulation)]),
    ...(channels.length === 0
      ? []
      : (["mean", "variance"] as const).map((which) => rankStatisticsChart(channels, which))),
  ];
}

/** Those that pool over ranks, which choose what to pay; all where none does. Others have their own statistics to be far from: none. */
function comparable({ normalizers }: Report): readonly NormalizerReport[] {
  const pooling = normalizers.filter(({ group }) => group !== null);
  return pooling.length === 0 ? normalizers : pooling;
}

/** What the directions of cost and divergence are in a run. */
export function paretoTexts(report: Report, cluster: string): ParetoAxes {
  const left = report.normalizers.filter((it) => !comparable(report).includes(it)).map(({ name }) => name);
  const silent =
    left.length === 0
      ? ""
      : ` ${enumerate(left)} ${left.length === 1 ? "pools" : "pool"} over no group: not compared.`;
  return {
    cost: `wire time of a step on ${cluster}`,
    error: "error of y",
    more:
      "Cost: collectives of one layer and step by the α-β clock. Error: root mean square of y − y of the whole batch, in percent " +
      `of x̂'s.${silent}`,
  };
}

/** Normalisers that can be compared, by the wire time and the error of a training step. */
export function choicesOf(report: Report, suffix = ""): Choice[] {
  return comparable(report).map(({ name, communication, divergence }) => ({
    name: `${name}${suffix}`,
    kind: name,
    seconds: communication.total.modelSeconds / report.scenario.trainingSteps,
    error: divergence.outputMse.mean === null ? Number.NaN : Math.sqrt(divergence.outputMse.mean),
  }));
}

/** What moved: when, and between which ranks. None where nothing did. */
export function trafficCharts(simulation: Simulation): Chart[] {
  const timeline = collectivesTimeline(simulation);
  if (timeline === undefined) return [];
  const maps = sendersOf(simulation)
    .slice(0, mapsMaximum)
    .map((record) => linkChart(record, simulation));
  return [timeline, ...maps];
}

/** Normalisers that send but have no map. */
export function unmappedSenders(simulation: Simulation): string[] {
  return sendersOf(simulation)
    .slice(mapsMaximum)
    .map(({ spec }) => spec.name);
}

function sendersOf({ normalizers }: Simulation): NormalizerRecord[] {
  return normalizers.filter(({ collectives }) => collectives.length > 0);
}
