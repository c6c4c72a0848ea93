import type { Simulation } from "../../engine/simulation.ts";
import { findingOf } from "../finding.ts";
import { legendOf, overviewOf } from "../overview.ts";
import type { ChannelStatistics } from "../rank-statistics.ts";
import { reportOf } from "../report.ts";
import { warningsOf } from "../warnings.ts";
import type { Element } from "./markup.ts";
import {
  chartGrid,
  chartSection,
  type Digest,
  listOf,
  type Origin,
  overviewTable,
  paragraph,
  scenarioSection,
  section,
  writePage,
} from "./report-page.ts";
import { resultCharts, trafficCharts, unmappedSenders } from "./run-charts.ts";
import { collectiveToShow, scheduleFigure } from "./schedule-chart.ts";

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
        ...resultCharts(report, simulation, channels).map(({ heading, charts }, index) =>
          chartSection(heading, `result-${index + 1}`, charts),
        ),
        ...trafficSection(simulation),
        scenarioSection(written),
      ],
    },
    digest,
  );
}

/** What moved; where nothing did, a sentence. */
function trafficSection(simulation: Simulation): Element[] {
  const shown = collectiveToShow(simulation.normalizers);
  if (shown === undefined) return [section("Messages", paragraph("No normaliser sent a message."))];
  const left = unmappedSenders(simulation);
  return [
    section(
      "Messages",
      chartGrid("messages", trafficCharts(simulation)),
      left.length === 0 ? null : paragraph(`No map: ${left.join(", ")}.`, "about"),
    ),
    section("One collective, step by step", scheduleFigure(shown, "schedule")),
  ];
}
