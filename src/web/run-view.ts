import type { Simulation } from "../engine/simulation.ts";
import { findingOf } from "../report/finding.ts";
import type { Chart } from "../report/html/chart.ts";
import { legendOf, type Overview, overviewOf } from "../report/overview.ts";
import { type Report, reportOf } from "../report/report.ts";
import { warningsOf } from "../report/warnings.ts";
import { type Contamination, contaminationChart, reachedRanks } from "./contamination.ts";
import { type Flow, flowOf } from "./flow.ts";
import { headlineOf } from "./headline.ts";

/** A run as the page shows it at once, without the charts: plain data. */
export interface RunView {
  readonly headline: string;
  readonly finding: string;
  readonly warnings: readonly string[];
  readonly overview: Overview;
  readonly legend: readonly string[];
  readonly flows: readonly Flow[];
  /** One, or none where every value is finite. */
  readonly contamination: readonly Chart[];
  readonly report: Report;
  /** Where it ran, in a sentence. */
  readonly host: string;
}

/** What a run found, ready to be shown. */
export function runViewOf(
  simulation: Simulation,
  contamination: readonly Contamination[],
  host: string,
): RunView {
  const report = reportOf(simulation);
  return {
    headline: headlineOf(report, contamination),
    finding: findingOf(report),
    warnings: warningsOf(report),
    overview: plainOverview(overviewOf(report)),
    legend: legendOf(report),
    flows: simulation.normalizers.map((record) => flowOf(record, simulation.workload.worldSize)),
    contamination: contamination.some((it) => reachedRanks(it).length > 0)
      ? [contaminationChart(contamination)]
      : [],
    report,
    host,
  };
}

/** Without what cannot be sent: a column's own function. */
function plainOverview({ heading, columns, rows }: Overview): Overview {
  const plain = columns.map(({ title, isNumeric, dispensability }) => ({ title, isNumeric, dispensability }));
  return { heading, columns: plain, rows };
}
