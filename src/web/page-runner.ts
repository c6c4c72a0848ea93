import { assert } from "../assert.ts";
import { inProcessHost } from "../engine/in-process-host.ts";
import type { Simulation } from "../engine/simulation.ts";
import { type ChannelStatistics, StatisticsObserver } from "../report/rank-statistics.ts";
import { isFileSource } from "../scenario/data-source.ts";
import { worldSizeOf } from "../scenario/resolution.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { measure } from "../simulate.ts";
import { type Contamination, contaminationOf } from "./contamination.ts";
import { type RunView, runViewOf } from "./run-view.ts";
import { WorkerHosts, workersMaximum } from "./worker-host.ts";

/** What was measured in a run, and seen during it. */
export interface ObservedRun {
  readonly simulation: Simulation;
  /** As observed in its last training step. */
  readonly channels: readonly ChannelStatistics[];
}

/** Values of x of a quick run: at most 0.2 s of one worker. */
const quickValuesMaximum = 250_000;

/** Why all ranks run in the worker of the session. */
type ReasonToStay = "not isolated" | "first" | "folded";

/**
 * Runs scenarios in workers of ranks. A quick one is run in this worker where that is sooner: the first, as the others would have
 * to start, and one whose ranks would be folded anyway (16 ranks on 2 cores: 130 ms instead of 215).
 */
export class PageRunner {
  readonly #hosts = new WorkerHosts();
  #newest: ObservedRun | null = null;

  /** The newest run that ended well. */
  get newest(): ObservedRun {
    assert(this.#newest !== null, "no run has ended yet");
    return this.#newest;
  }

  async run(scenario: Scenario): Promise<RunView> {
    const reason = this.#reasonToStay(scenario);
    const observer = new StatisticsObserver(scenario);
    const contamination: Contamination[] = [];
    const simulation = await measure(scenario, {
      host: reason === null ? this.#hosts.host() : inProcessHost(() => performance.now() / 1000),
      onPass(pass) {
        observer.observe(pass);
        if (pass.isLastOfStep && pass.trainingStep === scenario.trainingSteps - 1)
          contamination.push(
            contaminationOf(pass, scenario.normalizers[pass.normalizer]!.name, scenario.backward),
          );
      },
    });
    this.#newest = { simulation, channels: observer.channels };
    return runViewOf(simulation, contamination, describeHost(simulation.workload.worldSize, reason));
  }

  /** Start the workers that another run of the newest scenario would want. */
  prepare(): void {
    const { scenario, worldSize } = this.newest.simulation.workload;
    if (this.#reasonToStay(scenario) === null) this.#hosts.prepare(worldSize);
  }

  #reasonToStay(scenario: Scenario): ReasonToStay | null {
    if (!self.crossOriginIsolated) return "not isolated";
    if (!isQuick(scenario)) return null;
    if (this.#newest === null) return "first";
    return worldSizeOf(scenario.mesh) > workersMaximum ? "folded" : null;
  }
}

/** Injected faults are left to workers, which can be ended; so are networks to train. */
function isQuick({ data, faults, training, trainingSteps, accumulation }: Scenario): boolean {
  if (isFileSource(data) || faults.length > 0 || training !== null) return false;
  const samples = data.samples.reduce((sum, count) => sum + count, 0);
  const values = data.positions.reduce((product, extent) => product * extent, samples * data.channels);
  return values * trainingSteps * accumulation <= quickValuesMaximum;
}

function describeHost(worldSize: number, reason: ReasonToStay | null): string {
  switch (reason) {
    case "not isolated":
      return `All ${worldSize} ranks ran in turns in one Web Worker, because this page is not cross-origin isolated and may not share memory.`;
    case "first":
      return `For this first result the ${worldSize} ranks ran in turns in one Web Worker, while theirs were not started.`;
    case "folded":
      return `The ${worldSize} ranks ran in turns in one Web Worker: this browser has cores for ${workersMaximum}, and for so small a scenario one is as quick as more.`;
    case null:
      return worldSize <= workersMaximum
        ? `The ${worldSize} ranks ran in as many Web Workers; messages went through shared memory.`
        : `The ${worldSize} ranks ran in ${workersMaximum} Web Workers, as many as this browser has cores for; messages went through shared memory.`;
  }
}
