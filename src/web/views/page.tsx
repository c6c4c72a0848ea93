import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { overviewTable } from "../../report/html/report-page.ts";
import type { CostView } from "../cost-view.ts";
import type { Engine, Reasons } from "../engine.ts";
import { firstState, fromFragment, type PageState, toFragment } from "../page-state.ts";
import type { RunCharts } from "../run-charts.ts";
import type { RunView } from "../run-view.ts";
import { scenarioText } from "../scenario-text.ts";
import type { Outcome } from "../session.ts";
import type { Reason } from "../why.ts";
import { Controls } from "./controls.tsx";
import { FlowPlayer } from "./flow-player.tsx";
import { Charts, MarkupView } from "./markup-view.tsx";
import { ScenarioPanel } from "./scenario-panel.tsx";

/** After which a person wonders whether anything happens. */
const longMilliseconds = 400;

interface PageProps {
  readonly engine: Engine;
  /** The state that the engine shows first. */
  readonly first: PageState;
}

/** The whole page. Its state is the fragment of the address. */
export function Page({ engine, first }: PageProps): VNode {
  const [state, setState] = useState(first);
  const [shown, setShown] = useState(engine.shown);
  const [last, setLast] = useState<RunView | null>(null);
  useEffect(() => {
    engine.watch((next) => {
      setShown(next);
      if (next.run?.ok === true) setLast(next.run.value);
    });
    const restore = (): void =>
      setState((now) => {
        const given = fromFragment(location.hash);
        return toFragment(given) === toFragment(now) ? now : given;
      });
    addEventListener("hashchange", restore);
    return () => removeEventListener("hashchange", restore);
  }, []);
  useEffect(() => engine.show(state), [state]);
  useEffect(() => {
    if (last !== null) document.title = `${last.headline} · normsim`;
  }, [last]);
  const change = (next: PageState): void => {
    // At once: the address tells of it only after the page was drawn.
    engine.show(next);
    setState(next);
    location.hash = toFragment(next);
  };
  const { run, charts, why, cost, isRunning } = shown;
  // What has not changed is not looked at again.
  const controls = useMemo(
    () => <Controls state={state} onChange={(chosen) => change({ ...state, yaml: "", ...chosen })} />,
    [state],
  );
  const results = useMemo(
    () => (
      <>
        {last === null ? null : <RunSections view={last} charts={charts} />}
        {why === null ? null : <WhySection why={why} />}
        {cost === null ? null : <CostSection outcome={cost} />}
      </>
    ),
    [last, charts, why, cost],
  );
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
          {controls}
          <button type="button" onClick={() => change(firstState)}>
            Back to the first scenario
          </button>
        </details>
      </aside>
      <main aria-busy={isRunning}>
        <Progress isRunning={isRunning} onStop={() => engine.stop()} />
        {run === null || run.ok ? null : <Faults faults={run.faults} />}
        <div class={run?.ok === false ? "stale" : ""}>{results}</div>
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

/** Says that a run takes long, once it does: most are over before that could be read. */
function Progress({
  isRunning,
  onStop,
}: {
  readonly isRunning: boolean;
  readonly onStop: () => void;
}): VNode {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(isRunning), isRunning ? longMilliseconds : 0);
    return () => clearTimeout(timer);
  }, [isRunning]);
  const isShown = isRunning && isLong;
  return (
    <>
      <div role="status" class="progress">
        {isShown ? "Running…" : ""}
      </div>
      {isShown ? (
        <button type="button" class="stop" onClick={onStop}>
          Stop
        </button>
      ) : null}
    </>
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

interface RunSectionsProps {
  readonly view: RunView;
  readonly charts: RunCharts | null;
}

function RunSections({ view, charts }: RunSectionsProps): VNode {
  const { headline, finding, warnings, overview, legend, flows, contamination } = view;
  return (
    <>
      {finding === headline ? null : <p class="lead">{finding}</p>}
      {warnings.length === 0 ? null : (
        <ul class="notes">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <MarkupView markup={useMemo(() => overviewTable(overview), [overview])} />
      <ul class="legend">
        {legend.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {contamination.length === 0 ? null : (
        <section>
          <h2>How far the NaN gets</h2>
          <Charts charts={contamination} prefix="contamination" />
        </section>
      )}
      <section>
        <h2>Messages between ranks</h2>
        <FlowPlayer flows={flows} />
        <Charts charts={charts?.traffic ?? []} prefix="traffic" />
      </section>
      {charts?.results.map((result, index) => (
        <section key={result.heading}>
          <h2>{result.heading}</h2>
          <Charts charts={result.charts} prefix={`result-${index + 1}`} />
        </section>
      ))}
    </>
  );
}

function WhySection({ why: { mesh, reasons } }: { readonly why: Reasons }): VNode {
  return (
    <section class="why">
      <h2>Who communicates on {mesh}, and why</h2>
      {reasons.map((reason, index) => (
        <WhyOne key={reason.name} reason={reason} prefix={`why-${index}`} />
      ))}
      <p class="about">
        The rule's bytes and the maps are those of a small trial in which each rank holds 2 samples, 4
        channels and 3 positions.
      </p>
    </section>
  );
}

function WhyOne({ reason, prefix }: { readonly reason: Reason; readonly prefix: string }): VNode {
  const { name, because, maps, notMeasured } = reason;
  return (
    <div>
      <h3>{name}</h3>
      <p>{because}</p>
      {notMeasured === "" ? null : <p class="about">{notMeasured}</p>}
      <Charts charts={maps} prefix={prefix} />
    </div>
  );
}

function CostSection({ outcome }: { readonly outcome: Outcome<CostView> }): VNode {
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
