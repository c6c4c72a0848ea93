import type { VNode } from "preact";
import { allReduceAlgorithms } from "../../collectives/algorithms.ts";
import { modelNames } from "../../cost/models/registry.ts";
import { clusterPresets } from "../../cost/presets.ts";
import type { PageState } from "../page-state.ts";
import { normalizerChoices, sourceChoices } from "../scenario-text.ts";

type Change = (change: Partial<PageState>) => void;

interface ControlProps {
  readonly state: PageState;
  readonly onChange: Change;
}

const powers = (most: number): string[] =>
  Array.from({ length: Math.log2(most) + 1 }, (_, exponent) => `${2 ** exponent}`);

/** Everything that can be chosen. */
export function Controls({ state, onChange }: ControlProps): VNode {
  const ranks = Number(state.data) * Number(state.tensor) * Number(state.sequence);
  const props = { state, onChange };
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <fieldset>
        <legend>Ranks: {ranks}</legend>
        <Choice {...props} name="data" label="data (shards samples)" options={powers(64)} />
        <Choice {...props} name="tensor" label="tensor (shards channels)" options={powers(8)} />
        <Choice {...props} name="sequence" label="sequence (shards positions)" options={powers(8)} />
      </fieldset>
      <fieldset>
        <legend>Data on each rank</legend>
        <Choice
          {...props}
          name="source"
          label="source"
          options={Object.keys(sourceChoices)}
          labelOf={(key) => sourceChoices[key]!.label}
          also={(source) => (source === "sequences" ? { positions: "32" } : {})}
        />
        <Entry {...props} name="samples" label="samples: a number, or a list with one per rank" />
        <Entry {...props} name="channels" label="channels" />
        <Entry {...props} name="positions" label="positions" />
        <Entry {...props} name="seed" label="seed" />
        <Choice {...props} name="steps" label="training steps" options={["1", "2", "4", "8"]} />
        <Choice
          {...props}
          name="poison"
          label="NaN in the first value of"
          options={["", ...Array.from({ length: Math.min(ranks, 64) }, (_, rank) => `${rank}`)]}
          labelOf={(rank) => (rank === "" ? "no rank" : `rank ${rank}`)}
        />
      </fieldset>
      <fieldset>
        <legend>Normalisers</legend>
        {Object.entries(normalizerChoices).map(([key, { label }]) => (
          <Check key={key} {...props} value={key} label={label} />
        ))}
        <Choice {...props} name="group" label="ranks in a group" options={powers(32).slice(1)} />
      </fieldset>
      <fieldset>
        <legend>Cost</legend>
        <Choice {...props} name="cluster" label="cluster" options={Object.keys(clusterPresets)} />
        <Choice {...props} name="allReduce" label="all-reduce by" options={allReduceAlgorithms} />
        <Choice {...props} name="model" label="model of the estimate" options={modelNames} />
      </fieldset>
    </form>
  );
}

type TextKey = Exclude<keyof PageState, "show" | "yaml">;

interface ChoiceProps extends ControlProps {
  readonly name: TextKey;
  readonly label: string;
  readonly options: readonly string[];
  readonly labelOf?: (option: string) => string;
  /** What else changes with it. */
  readonly also?: (option: string) => Partial<PageState>;
}

function Choice({ state, onChange, name, label, options, labelOf = String, also }: ChoiceProps): VNode {
  const value = state[name];
  const all = options.includes(value) ? options : [...options, value];
  return (
    <label>
      <span>{label}</span>
      <select
        name={name}
        value={value}
        onChange={({ currentTarget: { value: chosen } }) => onChange({ [name]: chosen, ...also?.(chosen) })}
      >
        {all.map((option) => (
          <option key={option} value={option}>
            {labelOf(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Entry({
  state,
  onChange,
  name,
  label,
}: ControlProps & { readonly name: TextKey; readonly label: string }): VNode {
  return (
    <label>
      <span>{label}</span>
      <input
        name={name}
        value={state[name]}
        autocomplete="off"
        onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
      />
    </label>
  );
}

function Check({
  state,
  onChange,
  value,
  label,
}: ControlProps & { readonly value: string; readonly label: string }): VNode {
  const shown = state.show.split(",");
  const toggle = (isChecked: boolean): void => {
    const order = Object.keys(normalizerChoices);
    const next = order.filter((key) => (key === value ? isChecked : shown.includes(key)));
    if (next.length > 0) onChange({ show: next.join(",") });
    else onChange({});
  };
  return (
    <label class="check">
      <input
        type="checkbox"
        name={`show-${value}`}
        checked={shown.includes(value)}
        onChange={({ currentTarget }) => toggle(currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
