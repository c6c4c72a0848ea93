import { estimate } from "../cost/estimate/estimate.ts";
import type { Chart } from "../report/html/chart.ts";
import { groupsChart, stepChart } from "../report/html/estimate-charts.ts";
import { isFileSource } from "../scenario/data-source.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** What SyncBN would cost a model. */
export interface CostView {
  readonly advice: string;
  readonly charts: readonly Chart[];
}

/**
 * The estimate for a model on as many GPUs as the scenario has data ranks, with its largest microbatch.
 *
 * @throws ScenarioError if there is no estimate for that.
 */
export function costViewOf({ cluster, mesh, data }: Scenario, model: string): CostView {
  const samples = isFileSource(data) ? [] : data.samples;
  const found = estimate({ model, cluster, gpus: mesh.data, microbatch: Math.max(1, ...samples) });
  return { advice: found.advice, charts: [stepChart(found), groupsChart(found)] };
}
