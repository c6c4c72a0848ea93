import type { Chart } from "../report/html/chart.ts";
import { type ChartSection, resultCharts, trafficCharts } from "../report/html/run-charts.ts";
import { reportOf } from "../report/report.ts";
import type { ObservedRun } from "./page-runner.ts";

/** The charts of a run, which take longer to make and to draw than its result. */
export interface RunCharts {
  readonly traffic: readonly Chart[];
  readonly results: readonly ChartSection[];
}

/** The charts of the HTML report. */
export function runChartsOf({ simulation, channels }: ObservedRun): RunCharts {
  return {
    traffic: trafficCharts(simulation),
    results: resultCharts(reportOf(simulation), simulation, channels),
  };
}
