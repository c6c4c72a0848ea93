import { assert } from "../assert.ts";
import { inProcessHost } from "../engine/in-process-host.ts";
import type { Simulation } from "../engine/simulation.ts";
import { type ChannelStatistics, StatisticsObserver } from "../report/rank-statistics.ts";
import { isFileSource } from "../scenario/data-source.ts";
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

/** Values of x that a first run may have to be done in this worker: 0.2 s of it, as long as other workers take to start. */
const quickValuesMaximum = 500_000;

/** Runs scenarios in workers of ranks, the first one, if it is quick, in this worker: that gives the page its first result sooner. */
export class PageRunner {
  readonly #hosts = new WorkerHosts();
  #newest: ObservedRun | null = null;

  /** The newest run that ended well. */
  get newest(): ObservedRun {
    assert(this.#newest !== null, "no run has ended yet");
    return this.#newest;
  }

  async run(scenario: Scenario): Promise<RunView> {
    const isIsolated = self.crossOriginIsolated;
    const isHere = !isIsolated || (this.#newest === null && isQuick(scenario));
    const observer = new StatisticsObserver(scenario);
    const contamination: Contamination[] = [];
    const simulation = await measure(scenario, {
      host: isHere ? inProcessHost(() => performance.now() / 1000) : this.#hosts.host(),
      onPass(pass) {
        observer.observe(pass);
        if (pass.isLastOfStep && pass.trainingStep === scenario.trainingSteps - 1)
          contamination.push(
            contaminationOf(pass, scenario.normalizers[pass.normalizer]!.name, scenario.backward),
          );
      },
    });
    this.#newest = { simulation, channels: observer.channels };
    const { worldSize } = simulation.workload;
    return runViewOf(simulation, contamination, describeHost(worldSize, isHere, isIsolated));
  }

  /** Start the workers that the next run will want. */
  prepare(): void {
    if (self.crossOriginIsolated) this.#hosts.prepare(this.newest.simulation.workload.worldSize);
  }
}

/** Injected faults are left to workers, which can be ended; so are networks to train. */
function isQuick({ data, faults, training, trainingSteps, accumulation }: Scenario): boolean {
  if (isFileSource(data) || faults.length > 0 || training !== null) return false;
  const samples = data.samples.reduce((sum, count) => sum + count, 0);
  const values = data.positions.reduce((product, extent) => product * extent, samples * data.channels);
  return values * trainingSteps * accumulation <= quickValuesMaximum;
}

function describeHost(worldSize: number, isHere: boolean, isIsolated: boolean): string {
  if (!isIsolated)
    return `All ${worldSize} ranks ran in turns in one Web Worker, because this page is not cross-origin isolated and may not share memory.`;
  if (isHere)
    return `For this first result the ${worldSize} ranks ran in turns in one Web Worker, while theirs were not started; later runs use these, to the same bytes.`;
  return worldSize <= workersMaximum
    ? `The ${worldSize} ranks ran in as many Web Workers; messages went through shared memory.`
    : `The ${worldSize} ranks ran in ${workersMaximum} Web Workers, as many as this browser has cores for; messages went through shared memory.`;
}
