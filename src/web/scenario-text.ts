import type { PageState } from "./page-state.ts";

interface NormalizerChoice {
  readonly label: string;
  /** Its entry in a scenario. */
  readonly entry: (state: PageState) => string;
}

/** Normalisers that can be chosen, in the order of the report. */
export const normalizerChoices: Readonly<Record<string, NormalizerChoice>> = {
  local: { label: "local BN", entry: () => "name: local BN, type: batch-norm, group: rank" },
  sync: {
    label: "SyncBN (gathers)",
    entry: () => "name: SyncBN, type: batch-norm, group: world, implementation: pytorch",
  },
  moments: {
    label: "SyncBN (all-reduces)",
    entry: () =>
      "name: SyncBN by summing, type: batch-norm, group: world, implementation: all-reduce-moments",
  },
  group: {
    label: "SyncBN in groups",
    entry: ({ group }) => `name: SyncBN/${group}, type: batch-norm, group: ${group}`,
  },
  layer: { label: "LayerNorm", entry: () => "name: LN, type: layer-norm" },
  rms: { label: "RMSNorm", entry: () => "name: RMSNorm, type: rms-norm" },
  groupNorm: { label: "GroupNorm", entry: () => "name: GN, type: group-norm, groups: 4" },
  instance: { label: "InstanceNorm", entry: () => "name: IN, type: instance-norm" },
};

/** What each source of data needs besides its shape. */
export const sourceChoices: Readonly<
  Record<string, { readonly label: string; readonly lines: readonly string[] }>
> = {
  gaussian: { label: "independent Gaussian", lines: [] },
  "heavy-tailed": { label: "heavy tails (Student t, 3)", lines: ["degreesOfFreedom: 3"] },
  "label-skew": { label: "skewed labels (Dirichlet, 1)", lines: ["concentration: 1"] },
  sequences: { label: "padded sequences, masked", lines: ["minLength: 1", "mean: 3"] },
};

/** The scenario of a state, as the command line would read it. */
export function scenarioText(state: PageState): string {
  if (state.yaml !== "") return state.yaml;
  const chosen = state.show.split(",").flatMap((key) => normalizerChoices[key] ?? []);
  const { data, tensor, sequence, samples, channels, positions, source, poison } = state;
  return [
    "name: from the page",
    `seed: ${state.seed}`,
    `mesh: { data: ${data}, tensor: ${tensor}, sequence: ${sequence} }`,
    "data:",
    `  source: ${source}`,
    `  samples: ${samples}`,
    `  channels: ${channels}`,
    `  positions: ${positions}`,
    ...(sourceChoices[source]?.lines ?? []).map((line) => `  ${line}`),
    "normalizers:",
    ...chosen.map(({ entry }) => `  - { ${entry(state)} }`),
    `trainingSteps: ${state.steps}`,
    `algorithms: { allReduce: ${state.allReduce} }`,
    `cluster: ${state.cluster}`,
    ...(poison === "" ? [] : [`faults: [{ kind: nan, rank: ${poison} }]`]),
    "",
  ].join("\n");
}
