import { type Calls, callsOn } from "./channel.ts";
import type { PageState } from "./page-state.ts";
import type { RunView } from "./run-view.ts";
import { scenarioText } from "./scenario-text.ts";
import type { CostView, Outcome, Session } from "./session.ts";
import type { Reasons } from "./why.ts";

/** What the page shows of a state; parts are null until they are there. */
export interface Shown {
  readonly run: Outcome<RunView> | null;
  readonly why: Outcome<Reasons> | null;
  readonly cost: Outcome<CostView> | null;
  /** Whether the run of the newest state is still under way. */
  readonly isRunning: boolean;
}

/** Runs states in a worker, the newest only: those that were overtaken while another ran are left out. */
export class Engine {
  readonly #onShown: (shown: Shown) => void;
  #worker: Worker;
  #session: Calls<Session>;
  #shown: Shown = { run: null, why: null, cost: null, isRunning: true };
  #next: PageState | null = null;
  #isBusy = false;

  constructor(onShown: (shown: Shown) => void) {
    this.#onShown = onShown;
    [this.#worker, this.#session] = startWorker((message) => this.#fail(message));
  }

  /** Show a state as soon as the one under way is done. */
  show(state: PageState): void {
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
    this.#update({ run, isRunning: this.#next !== null, ...(run.ok ? {} : { why: null, cost: null }) });
    if (!run.ok || !isNewest()) return;
    const why = await session.why(text);
    if (!isNewest()) return;
    this.#update({ why });
    const cost = await session.cost(text, state.model);
    if (isNewest()) this.#update({ cost });
  }

  #update(change: Partial<Shown>): void {
    this.#shown = { ...this.#shown, ...change };
    this.#onShown(this.#shown);
  }

  #fail(message: string): void {
    this.#worker.terminate();
    [this.#worker, this.#session] = startWorker((it) => this.#fail(it));
    this.#isBusy = false;
    this.#next = null;
    this.#update({ run: { ok: false, faults: [message] }, why: null, cost: null, isRunning: false });
  }
}

function startWorker(onError: (message: string) => void): [Worker, Calls<Session>] {
  const worker = new Worker(new URL("../../workers/session.web.ts", import.meta.url), { type: "module" });
  worker.onerror = (event) => {
    event.preventDefault();
    onError(`the page's worker ended: ${event.message}`);
  };
  return [worker, callsOn<Session>(worker)];
}
