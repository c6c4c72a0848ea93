import type { Chart } from "../report/html/chart.ts";
import { divergenceCharts, trafficCharts } from "../report/html/run-charts.ts";
import { reportOf } from "../report/report.ts";
import type { ObservedRun } from "./page-runner.ts";

/** The charts of a run, which take longer to make and to draw than its result. */
export interface RunCharts {
  readonly traffic: readonly Chart[];
  readonly divergence: readonly Chart[];
}

/** The charts of the HTML report. */
export function runChartsOf({ simulation, channels }: ObservedRun): RunCharts {
  return {
    traffic: trafficCharts(simulation),
    divergence: divergenceCharts(reportOf(simulation), simulation, channels),
  };
}
