import { formatFault, isSimulatorError, ScenarioError } from "../errors.ts";
import { isFileSource } from "../scenario/data-source.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { serveCalls } from "./channel.ts";
import type { CostView } from "./cost-view.ts";
import { PageRunner } from "./page-runner.ts";
import type { RunCharts } from "./run-charts.ts";
import type { RunView } from "./run-view.ts";
import type { Reason } from "./why.ts";

/** A value, or what is wrong with the input, or with the run. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly string[] };

/** What the page asks its worker, in this order; scenarios are YAML, and have run where more than the run is asked for. */
export interface Session {
  run(text: string): Promise<Outcome<RunView>>;
  /** Of the newest run. */
  charts(): Promise<RunCharts>;
  /** Of one normaliser: the page asks for the next only if nothing else was chosen meanwhile. */
  why(text: string, normalizer: number): Promise<Reason>;
  cost(text: string, model: string): Promise<Outcome<CostView>>;
}

/** Answer the page for as long as this worker lives. What the first result does not need is loaded after it. */
export function serveSession(): void {
  const runner = new PageRunner();
  const read = reader();
  const session: Session = {
    run: (text) => attempt(async () => await runner.run(read(text))),
    async charts() {
      const { runChartsOf } = await import("./run-charts.ts");
      runner.prepare();
      return runChartsOf(runner.newest);
    },
    async why(text, normalizer) {
      const { reasonOf } = await import("./why.ts");
      return await reasonOf(read(text), normalizer);
    },
    cost: (text, model) =>
      attempt(async () => {
        const { costViewOf } = await import("./cost-view.ts");
        return costViewOf(read(text), model);
      }),
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

/** Reads scenarios; the newest, which is asked for once a normaliser, once. */
function reader(): (text: string) => Scenario {
  let newest: { readonly text: string; readonly scenario: Scenario } | null = null;
  return (text) => {
    if (newest?.text !== text) newest = { text, scenario: readScenario(text) };
    return newest.scenario;
  };
}

function readScenario(text: string): Scenario {
  const scenario = parseScenario(text, "scenario");
  if (isFileSource(scenario.data)) {
    const message = `the page has no files: use synthetic data here, and ${scenario.data.source} on the command line`;
    throw new ScenarioError([{ file: "scenario", path: "data.source", message }]);
  }
  return scenario;
}
