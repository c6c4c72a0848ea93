import { type Estimate, estimate } from "../cost/estimate/estimate.ts";
import { inProcessHost } from "../engine/in-process-host.ts";
import { formatFault, isSimulatorError, ScenarioError } from "../errors.ts";
import type { Chart } from "../report/html/chart.ts";
import { groupsChart, stepChart } from "../report/html/estimate-charts.ts";
import { StatisticsObserver } from "../report/rank-statistics.ts";
import { isFileSource } from "../scenario/file-source.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { measure } from "../simulate.ts";
import { serveCalls } from "./channel.ts";
import { type Contamination, contaminationOf } from "./contamination.ts";
import { type RunView, runViewOf } from "./run-view.ts";
import { type Reasons, reasonsOf } from "./why.ts";
import { WorkerHosts, workersMaximum } from "./worker-host.ts";

/** A value, or what is wrong with the input, or with the run. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly string[] };

/** What SyncBN would cost a model. */
export interface CostView {
  readonly advice: string;
  readonly charts: readonly Chart[];
}

/** What the page asks its worker; scenarios are YAML. */
export interface Session {
  run(text: string): Promise<Outcome<RunView>>;
  why(text: string): Promise<Outcome<Reasons>>;
  cost(text: string, model: string): Promise<Outcome<CostView>>;
}

/** Answer the page for as long as this worker lives. */
export function serveSession(): void {
  const hosts = new WorkerHosts();
  const session: Session = {
    run: (text) => attempt(async () => await run(read(text), hosts)),
    why: (text) => attempt(async () => await reasonsOf(read(text))),
    cost: (text, model) => attempt(async () => costOf(estimateFor(read(text), model))),
  };
  serveCalls(session);
}

async function attempt<T>(action: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await action() };
  } catch (error) {
    if (error instanceof ScenarioError) return { ok: false, faults: error.faults.map(formatFault) };
    if (isSimulatorError(error)) return { ok: false, faults: [error.message] };
    throw error;
  }
}

function read(text: string): Scenario {
  const scenario = parseScenario(text, "scenario");
  if (isFileSource(scenario.data)) {
    const message = "the page has no files: use synthetic data here, and .npy files on the command line";
    throw new ScenarioError([{ file: "scenario", path: "data.source", message }]);
  }
  return scenario;
}

async function run(scenario: Scenario, hosts: WorkerHosts): Promise<RunView> {
  const isIsolated = self.crossOriginIsolated;
  const observer = new StatisticsObserver(scenario);
  const contamination: Contamination[] = [];
  const simulation = await measure(scenario, {
    host: isIsolated ? hosts.host() : inProcessHost(() => performance.now() / 1000),
    onPass(pass) {
      observer.observe(pass);
      if (pass.isLastOfStep && pass.trainingStep === scenario.trainingSteps - 1)
        contamination.push(
          contaminationOf(pass, scenario.normalizers[pass.normalizer]!.name, scenario.backward),
        );
    },
  });
  const { worldSize } = simulation.workload;
  return runViewOf(simulation, observer.channels, contamination, describeHost(worldSize, isIsolated));
}

function describeHost(worldSize: number, isIsolated: boolean): string {
  if (!isIsolated)
    return `All ${worldSize} ranks ran in turns in one Web Worker, because this page is not cross-origin isolated and may not share memory.`;
  return worldSize <= workersMaximum
    ? `The ${worldSize} ranks ran in as many Web Workers; messages went through shared memory.`
    : `The ${worldSize} ranks ran in ${workersMaximum} Web Workers, as many as this browser has cores for; messages went through shared memory.`;
}

function estimateFor({ cluster, mesh, data }: Scenario, model: string): Estimate {
  const samples = isFileSource(data) ? [] : data.samples;
  return estimate({ model, cluster, gpus: mesh.data, microbatch: Math.max(1, ...samples) });
}

function costOf(found: Estimate): CostView {
  return { advice: found.advice, charts: [stepChart(found), groupsChart(found)] };
}
