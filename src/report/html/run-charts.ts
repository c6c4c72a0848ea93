import type { NormalizerRecord, Simulation } from "../../engine/simulation.ts";
import type { ChannelStatistics } from "../rank-statistics.ts";
import type { Report } from "../report.ts";
import type { Chart } from "./chart.ts";
import { choicesOf, paretoTexts } from "./choices.ts";
import { collectivesTimeline } from "./collectives-timeline.ts";
import { divergenceChart } from "./divergence-chart.ts";
import { layerDivergenceCharts } from "./layer-divergence-chart.ts";
import { linkChart } from "./link-chart.ts";
import { paretoChart } from "./pareto-chart.ts";
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
    { heading: "What was learnt", charts: [...learningCharts(report), ...costCharts(report)] },
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
    ...costCharts(report),
    ...(simulation.normalizers[0]!.divergence.outputMse.length === 0
      ? []
      : [divergenceChart(report, simulation)]),
    ...(channels.length === 0
      ? []
      : (["mean", "variance"] as const).map((which) => rankStatisticsChart(channels, which))),
  ];
}

/** None where no choice has a finite error. */
function costCharts(report: Report): Chart[] {
  const choices = choicesOf(report);
  if (!choices.some(({ error }) => Number.isFinite(error))) return [];
  return [paretoChart(choices, paretoTexts(report, report.scenario.cluster.name))];
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
