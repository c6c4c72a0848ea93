import type { Evaluation } from "./evaluation.ts";
import { type DraftFault, type DraftNormalizer, worldSizeOf } from "./resolution.ts";
import type { Mesh, Storage } from "./scenario.ts";
import { type FieldSchema, fieldSchemas } from "./schema.ts";
import type { NetworkSpec } from "./training.ts";

/** A training block, sound as a whole or not. */
export interface SoundTraining {
  readonly steps?: number;
  readonly network: {
    readonly kind?: NetworkSpec["kind"];
    readonly hidden?: readonly number[];
    readonly width?: number;
    readonly heads?: number;
  };
}

/** Those fields of a scenario that are sound by themselves: the others have findings already. */
export interface SoundFields {
  /** Absent if one of its axes is not sound, as is worldSize. */
  readonly mesh?: Mesh;
  readonly worldSize?: number;
  readonly trainingSteps?: number;
  readonly backward?: boolean;
  /** Seconds. */
  readonly deadline?: number;
  readonly storage?: Storage | "auto";
  /** null: no network is to be trained. */
  readonly training: SoundTraining | null;
  readonly accumulation?: number;
  /** Whether one was written, sound or not. */
  readonly isEvaluated: boolean;
  readonly evaluation?: Evaluation;
  readonly data: {
    readonly source?: string;
    readonly samples?: number | readonly number[];
    readonly channels?: number;
    readonly positions?: readonly number[];
    readonly minLength?: number;
    readonly maxLength?: number;
    readonly lengths?: "shuffled" | "bucketed";
    readonly trainingSamples?: number;
    readonly labelNoise?: number;
    readonly files?: readonly string[];
    readonly gradients?: readonly string[];
    readonly mask?: readonly string[];
    readonly tensors?: { readonly x: string };
  };
  readonly normalizers: readonly Partial<DraftNormalizer>[];
  readonly faults: readonly Partial<DraftFault>[];
}

/** Pick the sound fields of what was written, whatever surrounds them. */
export function soundFields(value: unknown): SoundFields {
  const written = asMap(value);
  const { mesh, trainingSteps, backward, deadline, storage, accumulation, evaluation } =
    fieldSchemas.scenario;
  const picked = { mesh, trainingSteps, backward, deadline, storage, accumulation, evaluation };
  const { mesh: ways, ...scenario } = soundOf(picked, written);
  const data = asMap(written.data);
  return {
    ...(ways !== undefined && { mesh: ways as Mesh, worldSize: worldSizeOf(ways as Mesh) }),
    ...scenario,
    training: trainingOf(written.training),
    isEvaluated: written.evaluation !== undefined,
    data: soundOf(formOf(fieldSchemas.data, data.source), data),
    normalizers: mapsOf(written.normalizers).map((entry) =>
      soundOf(formOf(fieldSchemas.normalizers, entry.type), entry),
    ),
    faults: mapsOf(written.faults).map((entry) => soundOf(formOf(fieldSchemas.faults, entry.kind), entry)),
  };
}

function trainingOf(value: unknown): SoundTraining | null {
  if (value === undefined || value === null) return null;
  const written = asMap(value);
  const network = asMap(written.network);
  const { steps } = fieldSchemas.training;
  return {
    ...soundOf({ steps }, written),
    network: soundOf(formOf(fieldSchemas.networks, network.kind), network),
  };
}

type Fields = Readonly<Record<string, FieldSchema | undefined>>;
type Written = Readonly<Record<string, unknown>>;

function soundOf(fields: Fields, written: Written): Record<string, unknown> {
  const entries = Object.entries(fields).flatMap(([key, field]) => {
    const sound = field?.safeParse(written[key]).data;
    return sound === undefined ? [] : [[key, sound]];
  });
  return Object.fromEntries(entries);
}

function formOf(forms: Readonly<Record<string, Fields>>, discriminator: unknown): Fields {
  const isKnown = typeof discriminator === "string" && Object.hasOwn(forms, discriminator);
  return isKnown ? forms[discriminator]! : {};
}

function mapsOf(value: unknown): Written[] {
  return Array.isArray(value) ? value.map(asMap) : [];
}

function asMap(value: unknown): Written {
  return typeof value === "object" && value !== null ? (value as Written) : {};
}
