import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { overviewTable } from "../../report/html/page.ts";
import { Engine, type Shown } from "../engine.ts";
import { firstState, fromFragment, type PageState, toFragment } from "../page-state.ts";
import type { RunView } from "../run-view.ts";
import { scenarioText } from "../scenario-text.ts";
import type { CostView, Outcome } from "../session.ts";
import type { Reasons } from "../why.ts";
import { Controls } from "./controls.tsx";
import { FlowPlayer } from "./flow-player.tsx";
import { Charts, MarkupView } from "./markup-view.tsx";
import { ScenarioPanel } from "./scenario-panel.tsx";

/** The whole page. Its state is the fragment of the address. */
export function Page(): VNode {
  const [state, setState] = useState(() => fromFragment(location.hash));
  const [shown, setShown] = useState<Shown | null>(null);
  const [last, setLast] = useState<RunView | null>(null);
  const engine = useRef<Engine | null>(null);
  useEffect(() => {
    engine.current = new Engine((next) => {
      setShown(next);
      if (next.run?.ok === true) setLast(next.run.value);
    });
    const restore = (): void => setState(fromFragment(location.hash));
    addEventListener("hashchange", restore);
    return () => removeEventListener("hashchange", restore);
  }, []);
  useEffect(() => engine.current!.show(state), [state]);
  useEffect(() => {
    if (last !== null) document.title = `${last.headline} · normsim`;
  }, [last]);
  const change = (next: PageState): void => {
    location.hash = toFragment(next);
  };
  const run = shown?.run ?? null;
  return (
    <div class="page">
      <header>
        <p class="brand">normsim</p>
        <h1>{last?.headline ?? "Running the scenario…"}</h1>
        <p class="about">{last?.overview.heading ?? ""}</p>
      </header>
      <aside aria-label="Scenario">
        <details open={matchMedia("(min-width: 900px)").matches}>
          <summary>Change the scenario</summary>
          {state.yaml === "" ? null : (
            <p class="custom">Running the scenario below. A control brings the choices back.</p>
          )}
          <Controls state={state} onChange={(chosen) => change({ ...state, yaml: "", ...chosen })} />
          <button type="button" onClick={() => change(firstState)}>
            Back to the first scenario
          </button>
        </details>
      </aside>
      <main aria-busy={shown?.isRunning ?? true}>
        <div role="status" class="progress">
          {shown?.isRunning === false ? "" : "Running…"}
        </div>
        {shown?.isRunning === false ? null : (
          <button type="button" class="stop" onClick={() => engine.current!.stop()}>
            Stop
          </button>
        )}
        {run === null || run.ok ? null : <Faults faults={run.faults} />}
        {last === null ? null : <RunSections view={last} isCurrent={run?.ok === true} />}
        <WhySection outcome={shown?.why ?? null} />
        <CostSection outcome={shown?.cost ?? null} />
        <ScenarioPanel
          text={scenarioText(state)}
          report={run?.ok === true ? run.value.report : null}
          onRun={(yaml) => change({ ...firstState, model: state.model, yaml })}
        />
        <footer>
          <p>{last?.host ?? ""}</p>
          <p>Everything is computed here, in this browser; model time is predicted, never measured.</p>
        </footer>
      </main>
    </div>
  );
}

function Faults({ faults }: { readonly faults: readonly string[] }): VNode {
  return (
    <div role="alert" class="notes faults">
      <p>This scenario did not run. Below is the last one that did.</p>
      <ul>
        {faults.map((fault) => (
          <li key={fault}>{fault}</li>
        ))}
      </ul>
    </div>
  );
}

function RunSections({ view, isCurrent }: { readonly view: RunView; readonly isCurrent: boolean }): VNode {
  const { finding, warnings, overview, legend, flows, contamination, divergence, traffic } = view;
  return (
    <div class={isCurrent ? "" : "stale"}>
      <p class="lead">{finding}</p>
      {warnings.length === 0 ? null : (
        <ul class="notes">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <MarkupView markup={overviewTable(overview)} />
      <ul class="legend">
        {legend.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {contamination === null ? null : (
        <section>
          <h2>How far the NaN gets</h2>
          <Charts charts={[contamination]} prefix="contamination" />
        </section>
      )}
      <section>
        <h2>Messages between ranks</h2>
        <FlowPlayer flows={flows} />
        <Charts charts={traffic} prefix="traffic" />
      </section>
      <section>
        <h2>Cost and divergence</h2>
        <Charts charts={divergence} prefix="divergence" />
      </section>
    </div>
  );
}

function WhySection({ outcome }: { readonly outcome: Outcome<Reasons> | null }): VNode | null {
  if (outcome === null) return null;
  if (!outcome.ok) return <Faults faults={outcome.faults} />;
  const { mesh, reasons } = outcome.value;
  return (
    <section class="why">
      <h2>Who communicates on {mesh}, and why</h2>
      {reasons.map(({ name, because, maps, notMeasured }, index) => (
        <div key={name}>
          <h3>{name}</h3>
          <p>{because}</p>
          {notMeasured === "" ? null : <p class="about">{notMeasured}</p>}
          <Charts charts={maps} prefix={`why-${index}`} />
        </div>
      ))}
      <p class="about">
        The rule's bytes and the maps are those of a small trial in which each rank holds 2 samples, 4
        channels and 3 positions.
      </p>
    </section>
  );
}

function CostSection({ outcome }: { readonly outcome: Outcome<CostView> | null }): VNode | null {
  if (outcome === null) return null;
  return (
    <section>
      <h2>What it would cost a model</h2>
      {outcome.ok ? (
        <>
          <p>{outcome.value.advice}</p>
          <Charts charts={outcome.value.charts} prefix="cost" />
        </>
      ) : (
        <p class="about">No estimate: {outcome.faults.join("; ")}</p>
      )}
    </section>
  );
}
