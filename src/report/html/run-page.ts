import type { Simulation } from "../../engine/simulation.ts";
import { findingOf } from "../finding.ts";
import { legendOf, overviewOf } from "../overview.ts";
import type { ChannelStatistics } from "../rank-statistics.ts";
import { type NormalizerReport, type Report, reportOf } from "../report.ts";
import { warningsOf } from "../warnings.ts";
import type { Chart } from "./chart.ts";
import { collectivesTimeline } from "./collectives-timeline.ts";
import { divergenceChart } from "./divergence-chart.ts";
import { enumerate } from "./figures.ts";
import { linkChart } from "./link-chart.ts";
import type { Element } from "./markup.ts";
import {
  chartGrid,
  codeOf,
  type Digest,
  listOf,
  type Origin,
  overviewTable,
  paragraph,
  section,
  writePage,
} from "./page.ts";
import { type Choice, type ParetoAxes, paretoChart } from "./pareto-chart.ts";
import { rankStatisticsChart } from "./rank-statistics-chart.ts";
import { collectiveToShow, scheduleFigure } from "./schedule-chart.ts";

/** Maps of links that one page shows. */
const mapsMaximum = 4;

/** What a page about a run is made of. */
export interface RunPage {
  readonly simulation: Simulation;
  /** As observed in its last training step. */
  readonly channels: readonly ChannelStatistics[];
  /** The scenario as it was written. */
  readonly written: string;
  readonly origin: Origin;
}

/** A run as one HTML file. */
export function runPage({ simulation, channels, written, origin }: RunPage, digest: Digest): string {
  const report = reportOf(simulation);
  const overview = overviewOf(report);
  return writePage(
    {
      title: report.scenario.name,
      about: overview.heading,
      origin,
      content: [
        paragraph(findingOf(report), "lead"),
        listOf(warningsOf(report), "notes"),
        overviewTable(overview),
        listOf(legendOf(report), "legend"),
        section(
          "Cost and divergence",
          chartGrid("divergence", divergenceCharts(report, simulation, channels)),
        ),
        ...trafficSection(simulation),
        section(
          "The scenario",
          paragraph("As it was written; a click selects all of it."),
          codeOf("Scenario", written),
        ),
      ],
    },
    digest,
  );
}

/** Cost against divergence, divergence by channel, statistics rank by rank. */
export function divergenceCharts(
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

/** What moved; where nothing did, a sentence. */
function trafficSection(simulation: Simulation): Element[] {
  const shown = collectiveToShow(simulation.normalizers);
  const timeline = collectivesTimeline(simulation);
  if (shown === undefined || timeline === undefined)
    return [section("Messages", paragraph("No normaliser sent a message."))];
  const senders = simulation.normalizers.filter(({ collectives }) => collectives.length > 0);
  const maps = senders.slice(0, mapsMaximum).map((record) => linkChart(record, simulation));
  const left = senders.slice(mapsMaximum).map(({ spec }) => spec.name);
  return [
    section(
      "Messages",
      chartGrid("messages", [timeline, ...maps]),
      left.length === 0 ? null : paragraph(`No map: ${left.join(", ")}.`, "about"),
    ),
    section("One collective, step by step", scheduleFigure(shown, "schedule")),
  ];
}
