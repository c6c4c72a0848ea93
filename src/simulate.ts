import { runWorkload, type SimulateOptions } from "./engine/coordinator.ts";
import type { Host } from "./engine/host.ts";
import type { Simulation } from "./engine/simulation.ts";
import { loadedWorkload, syntheticWorkload } from "./engine/workload.ts";
import { type Report, reportOf } from "./report/report.ts";
import type { NpyBatches } from "./scenario/npy-source.ts";
import type { Scenario } from "./scenario/scenario.ts";

/** How a simulation is run; nothing here changes a number of the report but wallSeconds. */
export interface SimulationOptions extends Omit<SimulateOptions, "loaded"> {
  /** Where ranks run. Default: in this process, folded on the calling thread. */
  readonly host?: Host;
  /** The arrays of a scenario whose data are files. */
  readonly batches?: NpyBatches;
}

/**
 * Run a scenario: every normaliser on every rank, with real messages, compared with the whole batch.
 *
 * @throws ScenarioError if the scenario cannot be run as it is; RankError if a rank fails.
 */
export async function simulate(scenario: Scenario, options: SimulationOptions = {}): Promise<Report> {
  return reportOf(await measure(scenario, options));
}

/** What `simulate` measures before it is made into a report: with the ledger of every collective. */
export async function measure(scenario: Scenario, options: SimulationOptions = {}): Promise<Simulation> {
  const { batches, ...rest } = options;
  // The ranks' side of the engine is large, and a host of threads loads it there.
  const host = options.host ?? (await import("./engine/in-process-host.ts")).inProcessHost(() => 0);
  const workload =
    batches === undefined ? await syntheticWorkload(scenario) : loadedWorkload(scenario, batches);
  return await runWorkload(workload, host, batches === undefined ? rest : { ...rest, loaded: batches });
}
