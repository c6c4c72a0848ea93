import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { formatBytes, plural } from "../../report/format.ts";
import { svgOf, type Table } from "../../report/html/chart.ts";
import { number } from "../../report/html/figures.ts";
import type { Flow } from "../flow.ts";
import { drawnRanksMaximum, ringDrawing } from "../ring-chart.ts";
import { FoldedTable, MarkupView } from "./markup-view.tsx";

const stepMilliseconds = 1200;

/** The first collective of a normaliser, step by step: messages between ranks with the values that they carried. */
export function FlowPlayer({ flows }: { readonly flows: readonly Flow[] }): VNode {
  const firstSender = Math.max(
    0,
    flows.findIndex(({ collective }) => collective !== null),
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const [step, setStep] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const flow = flows.find(({ normalizer }) => normalizer === chosen) ?? flows[firstSender]!;
  const last = flow.steps.length;
  const shown = Math.min(step, last);
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(() => {
      if (shown >= last) setPlaying(false);
      else setStep(shown + 1);
    }, stepMilliseconds);
    return () => clearTimeout(timer);
  }, [isPlaying, shown, last]);
  const go = (to: number): void => {
    setPlaying(false);
    setStep(Math.max(0, Math.min(last, to)));
  };
  const play = (): void => {
    setPlaying(!isPlaying);
    if (!isPlaying) setStep(shown === last ? 0 : shown + 1);
  };
  const title = titleOf(flow);
  const table = useMemo(() => tableOf(flow), [flow]);
  return (
    <figure class="wide flow" id="flow">
      <h3>{title}</h3>
      <fieldset class="controls" aria-label="Steps of the collective">
        <label>
          Normaliser{" "}
          <select
            name="flow"
            value={flow.normalizer}
            onChange={(event) => {
              setChosen(event.currentTarget.value);
              go(0);
            }}
          >
            {flows.map(({ normalizer }) => (
              <option key={normalizer} value={normalizer}>
                {normalizer}
              </option>
            ))}
          </select>
        </label>
        <button type="button" disabled={last === 0} onClick={() => go(shown - 1)}>
          Previous
        </button>
        <button type="button" disabled={last === 0} onClick={play}>
          {isPlaying ? "Pause" : "Play"}
        </button>
        <button type="button" disabled={last === 0} onClick={() => go(shown + 1)}>
          Next
        </button>
        <span role="status">{last === 0 ? "No step" : `Step ${shown} of ${last}`}</span>
      </fieldset>
      <p class="says">{sayStep(flow, shown)}</p>
      <div class="player live" key={`${flow.normalizer} ${shown}`}>
        <MarkupView markup={svgOf(ringDrawing(flow, shown), title, sayStep(flow, shown), "flow-picture")} />
      </div>
      <figcaption>{captionOf(flow)}</figcaption>
      {last === 0 ? null : <FoldedTable table={table} title={title} />}
    </figure>
  );
}

function titleOf({ normalizer, collective, steps }: Flow): string {
  if (collective === null) return `${normalizer} sends nothing: every set it reduces over lies on one rank.`;
  const messages = steps.flat();
  const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
  return `${normalizer} moves ${formatBytes(bytes)} in ${plural(messages.length, "message")} and ${plural(steps.length, "step")}, ${collective.pass}.`;
}

function sayStep({ steps, collective }: Flow, step: number): string {
  if (collective === null) return "No message in any step.";
  if (step === 0) return "Before the first step: the first value that each rank contributes.";
  const messages = steps[step - 1]!;
  const example = messages.find(({ value }) => value !== null);
  const what = messages.every(({ reduces }) => reduces) ? "added to" : "copied over";
  const text = `${plural(messages.length, "message")}, ${what} what is there.`;
  if (example === undefined) return text;
  const { source, target, value } = example;
  const outcome = example.reduces
    ? `${number(value!.had, 5)} becomes ${number(value!.has, 5)}`
    : `which now holds ${number(value!.has, 5)}`;
  return `${text} Rank ${source} sends ${number(value!.sent, 5)} to rank ${target}: ${outcome}.`;
}

function captionOf({ collective, worldSize }: Flow): string {
  if (collective === null)
    return `${plural(worldSize, "rank")}, no arrow: the run's ledger has no message of this normaliser.`;
  const { operation, algorithm, payloadBytes } = collective;
  return (
    `The first collective of the run: ${operation} by ${algorithm} of ${formatBytes(payloadBytes)}. Numbers on arrows are the first sampled ` +
    "value in the message, in the ranks what it became, as the run had them." +
    (worldSize > drawnRanksMaximum ? ` Drawn: the first ${drawnRanksMaximum} of ${worldSize} ranks.` : "")
  );
}

function tableOf({ steps }: Flow): Table {
  const cell = (value: number | undefined): string => (value === undefined ? "" : number(value, 9));
  return {
    columns: ["step", "from rank", "to rank", "bytes", "element", "sent", "target had", "target has"],
    rows: steps.flatMap((messages, step) =>
      messages.map(({ source, target, bytes, value }) => [
        `${step + 1}`,
        `${source}`,
        `${target}`,
        `${bytes}`,
        value === null ? "" : `${value.element}`,
        ...[value?.sent, value?.had, value?.has].map(cell),
      ]),
    ),
  };
}
