import type { Simulation } from "../engine/simulation.ts";
import { findingOf } from "../report/finding.ts";
import type { Chart } from "../report/html/chart.ts";
import { collectivesTimeline } from "../report/html/collectives-timeline.ts";
import { linkChart } from "../report/html/link-chart.ts";
import { divergenceCharts } from "../report/html/run-page.ts";
import { legendOf, type Overview, overviewOf } from "../report/overview.ts";
import type { ChannelStatistics } from "../report/rank-statistics.ts";
import { type Report, reportOf } from "../report/report.ts";
import { warningsOf } from "../report/warnings.ts";
import { type Contamination, contaminationChart, reachedRanks } from "./contamination.ts";
import { type Flow, flowOf } from "./flow.ts";
import { headlineOf } from "./headline.ts";

/** Link maps that the page shows. */
const mapsMaximum = 4;

/** A run as the page shows it: plain data. */
export interface RunView {
  readonly headline: string;
  readonly finding: string;
  readonly warnings: readonly string[];
  readonly overview: Overview;
  readonly legend: readonly string[];
  readonly flows: readonly Flow[];
  readonly contamination: Chart | null;
  readonly divergence: readonly Chart[];
  readonly traffic: readonly Chart[];
  readonly report: Report;
  /** Where it ran, in a sentence. */
  readonly host: string;
}

/** What a run found, ready to be drawn. */
export function runViewOf(
  simulation: Simulation,
  channels: readonly ChannelStatistics[],
  contamination: readonly Contamination[],
  host: string,
): RunView {
  const report = reportOf(simulation);
  const senders = simulation.normalizers.filter(({ collectives }) => collectives.length > 0);
  const timeline = collectivesTimeline(simulation);
  return {
    headline: headlineOf(report, contamination),
    finding: findingOf(report),
    warnings: warningsOf(report),
    overview: plainOverview(overviewOf(report)),
    legend: legendOf(report),
    flows: simulation.normalizers.map((record) => flowOf(record, simulation.workload.worldSize)),
    contamination: contamination.some((it) => reachedRanks(it).length > 0)
      ? contaminationChart(contamination)
      : null,
    divergence: divergenceCharts(report, simulation, channels),
    traffic: [
      ...(timeline === undefined ? [] : [timeline]),
      ...senders.slice(0, mapsMaximum).map((record) => linkChart(record, simulation)),
    ],
    report,
    host,
  };
}

/** Without what cannot be sent: a column's own function. */
function plainOverview({ heading, columns, rows }: Overview): Overview {
  const plain = columns.map(({ title, isNumeric, dispensability }) => ({ title, isNumeric, dispensability }));
  return { heading, columns: plain, rows };
}
