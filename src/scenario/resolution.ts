import type { DataSource, FileSource } from "./data-source.ts";
import { isFileSource } from "./data-source.ts";
import type { InjectedFault, LateStart, SlowFault } from "./injected-fault.ts";
import { defaultPayload } from "./number-format.ts";
import type { NormalizerSpec, RankGroups, Scenario } from "./scenario.ts";
import type { TrainingSpec } from "./training.ts";

type Draft<T, Loose extends PropertyKey, Loosened> = Omit<T, Loose> & Loosened;

type DraftOfSource<T> = T extends FileSource
  ? T
  : T extends { readonly maxLength: number }
    ? Draft<T, "samples" | "maxLength", DraftSamples & { readonly maxLength?: number }>
    : Draft<T, "samples", DraftSamples>;

interface DraftSamples {
  /** One number stands for every rank. */
  readonly samples: number | readonly number[];
}

/** A data source as written. */
export type DraftData = DraftOfSource<DataSource>;

type DraftOfNormalizer<T extends NormalizerSpec> = T extends unknown
  ? Draft<T, "name", { readonly name?: string }>
  : never;

/** A normaliser as written: it may go without a name. */
export type DraftNormalizer = DraftOfNormalizer<NormalizerSpec>;

/** Training as written: points of the curves may go without a distance. */
export type DraftTraining = Draft<TrainingSpec, "evaluateEvery", { readonly evaluateEvery?: number }>;

type DraftOfFault<T extends InjectedFault> = T extends SlowFault | LateStart
  ? Draft<T, "delaySeconds", { /** Seconds. */ readonly delay: number }>
  : T;

/** A fault as written. */
export type DraftFault = DraftOfFault<InjectedFault>;

/** A scenario as written: every default is in, but for those that depend on another field. */
export type ScenarioDraft = Draft<
  Scenario,
  "data" | "normalizers" | "training" | "faults" | "deadlineSeconds",
  {
    readonly data: DraftData;
    readonly normalizers: readonly DraftNormalizer[];
    readonly training: DraftTraining | null;
    readonly faults: readonly DraftFault[];
    /** Seconds. */
    readonly deadline: number;
  }
>;

/** Ranks of a mesh. */
export function worldSizeOf(mesh: Scenario["mesh"]): number {
  return mesh.data * mesh.tensor * mesh.sequence;
}

/** The name a normaliser was given, or one made of its type and group: `batch-norm (world)`. */
export function normalizerName(draft: DraftNormalizer): string {
  if (draft.name !== undefined) return draft.name;
  return "group" in draft ? `${draft.type} (${groupName(draft.group)})` : draft.type;
}

function groupName(group: RankGroups): string {
  return typeof group === "object" ? "rank lists" : String(group);
}

/** Fill in the defaults that depend on another field. The draft has passed `inconsistencies`. */
export function resolveScenario(draft: ScenarioDraft): Scenario {
  const { deadline, ...rest } = draft;
  const isSynthetic = !isFileSource(draft.data);
  const storage = draft.storage === "auto" && isSynthetic ? "float32" : draft.storage;
  return {
    ...rest,
    data: resolveData(draft.data, worldSizeOf(draft.mesh)),
    storage,
    payload: draft.payload === "auto" && storage !== "auto" ? defaultPayload(storage) : draft.payload,
    normalizers: draft.normalizers.map(
      (normalizer): NormalizerSpec => ({ ...normalizer, name: normalizerName(normalizer) }),
    ),
    training: draft.training === null ? null : resolveTraining(draft.training),
    faults: draft.faults.map(resolveFault),
    deadlineSeconds: deadline,
  };
}

function resolveFault(draft: DraftFault): InjectedFault {
  if (!("delay" in draft)) return draft;
  const { delay, ...rest } = draft;
  return { ...rest, delaySeconds: delay };
}

function resolveTraining(training: DraftTraining): TrainingSpec {
  return { ...training, evaluateEvery: training.evaluateEvery ?? Math.ceil(training.steps / 10) };
}

function resolveData(data: DraftData, worldSize: number): DataSource {
  if (isFileSource(data)) return data;
  const samples = typeof data.samples === "number" ? Array(worldSize).fill(data.samples) : data.samples;
  return "minLength" in data
    ? { ...data, samples, maxLength: data.maxLength ?? data.positions[0] }
    : { ...data, samples };
}
