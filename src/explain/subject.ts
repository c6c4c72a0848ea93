import { ScenarioError } from "../errors.ts";
import { didYouMean } from "../scenario/suggestion.ts";

/** A normaliser that can be explained. */
export interface Subject {
  readonly name: string;
  /** Its entry in a scenario, without a name. */
  readonly entry: { readonly type: string } & Readonly<Record<string, unknown>>;
}

const entries: Readonly<Record<string, Subject["entry"]>> = {
  "batch-norm": { type: "batch-norm", group: "rank" },
  SyncBN: { type: "batch-norm", group: "world" },
  "layer-norm": { type: "layer-norm" },
  "rms-norm": { type: "rms-norm" },
  "group-norm": { type: "group-norm", groups: 2 },
  "instance-norm": { type: "instance-norm" },
  "batch-renorm": { type: "batch-renorm", group: "rank" },
  "power-norm": { type: "power-norm", group: "rank" },
  mabn: { type: "mabn", group: "rank", window: 16 },
};

/** Names that `subjectsOf` knows; `batch-norm` is local, `SyncBN` pools over all ranks. */
export const subjectNames: readonly string[] = Object.keys(entries);

const explainedByDefault = ["batch-norm", "SyncBN", "layer-norm", "rms-norm", "group-norm"];

/**
 * The normalisers of these names, each once; without names those that contrast best.
 *
 * @throws ScenarioError with every unknown name.
 */
export function subjectsOf(names: readonly string[] = []): Subject[] {
  const wanted = [...new Set(names.length === 0 ? explainedByDefault : names)];
  const faults = wanted
    .filter((name) => !Object.hasOwn(entries, name))
    .map((name) => ({
      file: "normsim explain",
      path: "",
      message: `no normaliser ${JSON.stringify(name)}; there are ${subjectNames.join(", ")}${didYouMean(name, subjectNames)}`,
    }));
  if (faults.length > 0) throw new ScenarioError(faults);
  return wanted.map(subjectOf);
}

/** The normaliser of a known name. */
export function subjectOf(name: string): Subject {
  return { name, entry: entries[name]! };
}
