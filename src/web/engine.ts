import { meshName } from "../explain/written-mesh.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { type Calls, callsOn } from "./channel.ts";
import type { CostView } from "./cost-view.ts";
import type { PageState } from "./page-state.ts";
import type { RunCharts } from "./run-charts.ts";
import type { RunView } from "./run-view.ts";
import { scenarioText } from "./scenario-text.ts";
import type { Outcome, Session } from "./session.ts";
import { type SessionWorker, startSessionWorker } from "./session-worker.ts";
import type { Reason } from "./why.ts";

/** Who communicates on a mesh, and why. */
export interface Reasons {
  readonly mesh: string;
  /** What they depend on: the mesh and the normalisers. */
  readonly subject: string;
  /** One per normaliser. */
  readonly reasons: readonly Reason[];
}

/** What the page shows of a state; parts are null until they are there. */
export interface Shown {
  readonly run: Outcome<RunView> | null;
  /** Of the newest run that has them. */
  readonly charts: RunCharts | null;
  readonly why: Reasons | null;
  readonly cost: Outcome<CostView> | null;
  /** Whether the run of the newest state is still under way. */
  readonly isRunning: boolean;
}

/** The newest run that ended well, as long as its charts, reasons and costs are not all there. */
interface Unfinished {
  readonly text: string;
  readonly model: string;
  readonly scenario: Scenario;
}

/** Runs states in a worker, the newest only: those that were overtaken while another ran are left out. */
export class Engine {
  #onShown: (shown: Shown) => void = () => {};
  #worker: Worker;
  #session: Calls<Session>;
  #shown: Shown = { run: null, charts: null, why: null, cost: null, isRunning: true };
  #asked: PageState | null = null;
  #next: PageState | null = null;
  #isBusy = false;
  #unfinished: Unfinished | null = null;

  constructor(session: SessionWorker) {
    this.#worker = session.worker;
    this.#session = this.#connect(session);
  }

  /** What there is to show now. */
  get shown(): Shown {
    return this.#shown;
  }

  /** Call back whenever there is something else to show. */
  watch(onShown: (shown: Shown) => void): void {
    this.#onShown = onShown;
    onShown(this.#shown);
  }

  /** Show a state as soon as the one under way is done; the one that was asked for last is on its way. */
  show(state: PageState): void {
    if (state === this.#asked) return;
    this.#asked = state;
    this.#next = state;
    this.#update({ isRunning: true });
    if (!this.#isBusy) void this.#work();
  }

  /** Give up what is under way. */
  stop(): void {
    this.#fail("stopped");
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    const session = this.#session;
    try {
      while (this.#next !== null && session === this.#session) await this.#runNewest(session);
    } catch (error) {
      if (session === this.#session) this.#fail(String(error));
    }
    if (session === this.#session) this.#isBusy = false;
  }

  async #runNewest(session: Calls<Session>): Promise<void> {
    const state = this.#next!;
    this.#next = null;
    const text = scenarioText(state);
    const isNewest = (): boolean => this.#next === null && session === this.#session;
    performance.mark("run-start");
    const run = await session.run(text);
    if (session !== this.#session) return;
    performance.mark("run-end");
    if (run.ok) this.#unfinished = { text, model: state.model, scenario: run.value.report.scenario };
    this.#update({ run, isRunning: this.#next !== null });
    // Where this one was refused, what was left of the last one is finished.
    if (this.#unfinished !== null && isNewest()) await this.#finish(session, this.#unfinished, isNewest);
  }

  /** Add what takes longer than the run, until something else is chosen. */
  async #finish(session: Calls<Session>, unfinished: Unfinished, isNewest: () => boolean): Promise<void> {
    const { text, model, scenario } = unfinished;
    const charts = await session.charts();
    if (!isNewest()) return;
    this.#update({ charts });
    const subject = JSON.stringify([scenario.mesh, scenario.normalizers]);
    if (subject !== this.#shown.why?.subject) {
      const reasons: Reason[] = [];
      for (const index of scenario.normalizers.keys()) {
        reasons.push(await session.why(text, index));
        if (!isNewest()) return;
      }
      this.#update({ why: { mesh: meshName(scenario.mesh), subject, reasons } });
    }
    const cost = await session.cost(text, model);
    if (!isNewest()) return;
    this.#update({ cost });
    this.#unfinished = null;
  }

  #update(change: Partial<Shown>): void {
    this.#shown = { ...this.#shown, ...change };
    this.#onShown(this.#shown);
  }

  #connect({ worker, ended }: SessionWorker): Calls<Session> {
    void ended.then((message) => {
      if (worker === this.#worker) this.#fail(message);
    });
    return callsOn<Session>(worker);
  }

  #fail(message: string): void {
    this.#worker.terminate();
    const next = startSessionWorker();
    this.#worker = next.worker;
    this.#session = this.#connect(next);
    this.#isBusy = false;
    this.#next = null;
    const left = this.#unfinished === null ? {} : { charts: null, why: null, cost: null };
    this.#unfinished = null;
    this.#update({ run: { ok: false, faults: [message] }, ...left, isRunning: false });
  }
}
