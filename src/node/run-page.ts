import type { CompletedPass } from "../engine/coordinator.ts";
import type { Simulation } from "../engine/simulation.ts";
import { runPage } from "../report/html/run-page.ts";
import { StatisticsObserver } from "../report/rank-statistics.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { optionsOf, writeHtml } from "./html.ts";

/** The page about one run: gathers what it shows while the run goes on. */
export class RunPageFile {
  readonly #observer: StatisticsObserver;

  constructor(scenario: Scenario) {
    this.#observer = new StatisticsObserver(scenario);
  }

  observe(pass: CompletedPass): void {
    this.#observer.observe(pass);
  }

  /** `path` and `seed` are those of the command; `written` is the scenario as it was read. */
  write(
    file: string,
    simulation: Simulation,
    { path, seed, written }: { path: string; seed: number | undefined; written: string },
  ): void {
    const { channels } = this.#observer;
    writeHtml(file, ["run", path, ...optionsOf({ seed })], (origin, digest) =>
      runPage({ simulation, channels, written, origin }, digest),
    );
  }
}
