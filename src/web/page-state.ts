/** Everything that a person can choose, as text: the scenario's own parser says what is wrong with it. */
export interface PageState {
  /** Ranks along each axis of the mesh. */
  readonly data: string;
  readonly tensor: string;
  readonly sequence: string;
  readonly samples: string;
  readonly channels: string;
  readonly positions: string;
  readonly source: string;
  /** Keys of `normalizerChoices`, between commas. */
  readonly show: string;
  /** Ranks of a synchronisation group. */
  readonly group: string;
  readonly allReduce: string;
  readonly cluster: string;
  readonly model: string;
  readonly steps: string;
  readonly seed: string;
  /** The rank whose first value is NaN; empty: none. */
  readonly poison: string;
  /** A scenario as somebody wrote it, which takes the place of everything but the model; empty: none. */
  readonly yaml: string;
}

/** The quickstart scenario with a quarter of its positions, which a page answers sooner. */
export const firstState: PageState = {
  data: "8",
  tensor: "1",
  sequence: "1",
  samples: "2",
  channels: "64",
  positions: "[7, 7]",
  source: "gaussian",
  show: "local,sync,group,layer",
  group: "4",
  allReduce: "ring",
  cluster: "dgx-a100",
  model: "resnet50",
  steps: "1",
  seed: "7",
  poison: "",
  yaml: "",
};

const keys = Object.keys(firstState) as (keyof PageState)[];

/** A state as the fragment of an address: what differs from the first state. */
export function toFragment(state: PageState): string {
  const chosen = keys.filter((key) => state[key] !== firstState[key]);
  return new URLSearchParams(chosen.map((key) => [key, state[key]])).toString();
}

/** The state that a fragment stands for; what it does not know is left out. */
export function fromFragment(fragment: string): PageState {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  return Object.fromEntries(
    keys.map((key) => [key, given.get(key) ?? firstState[key]]),
  ) as unknown as PageState;
}
