import { assert } from "../assert.ts";
import { ScenarioError } from "../errors.ts";
import { implementations } from "../normalizers/implementations.ts";
import { channelFindings } from "../scenario/consistency.ts";
import { isFileSource } from "../scenario/data-source.ts";
import { rowFindings } from "../scenario/mesh-consistency.ts";
import type { NpyBatches } from "../scenario/npy-source.ts";
import { defaultPayload, type NumberFormat } from "../scenario/number-format.ts";
import type { Scenario, Storage } from "../scenario/scenario.ts";
import { spoiledValueObjections } from "../scenario/spoiled-value.ts";
import type { TrainingNeeds } from "../training/needs.ts";
import { microbatchCounts } from "./microstep.ts";

/** A scenario with its data's shape and storage known: all that is needed to lay out memory. */
export interface Workload {
  readonly scenario: Scenario;
  readonly worldSize: number;
  readonly storage: Storage;
  /** What payloads travel as, where an implementation does not say. */
  readonly payload: NumberFormat;
  /** One number per rank. */
  readonly samples: readonly number[];
  readonly channels: number;
  /** Extents of the position axes; their product is the L of [N, C, L]. */
  readonly positionExtents: readonly number[];
  readonly positions: number;
  readonly isMasked: boolean;
  /** Whether x, y and their like are known by their moments alone. */
  readonly isOfMoments: boolean;
  /** Whether ranks make x; otherwise the coordinator wrote it from files. */
  readonly makesData: boolean;
  /** Whether ranks draw dy. */
  readonly makesGradients: boolean;
  /** null: normalisers see the data themselves. */
  readonly trainingNeeds: TrainingNeeds | null;
}

/**
 * The workload of a scenario whose ranks make their own data.
 *
 * @throws ScenarioError if a value is to be spoiled that no rank holds.
 */
export async function syntheticWorkload(scenario: Scenario): Promise<Workload> {
  const { data, payload } = scenario;
  const storage = scenario.storage === "auto" ? "float32" : scenario.storage;
  assert(!isFileSource(data), "a scenario of files needs their contents");
  refuseAbsentValues(scenario, { ...data, positionExtents: data.positions });
  return {
    scenario,
    worldSize: data.samples.length,
    storage,
    payload: payload === "auto" ? defaultPayload(storage) : payload,
    samples: data.samples,
    channels: data.channels,
    positionExtents: data.positions,
    positions: product(data.positions),
    isMasked: "masked" in data && data.masked,
    isOfMoments: false,
    makesData: true,
    makesGradients: true,
    trainingNeeds: await needsOf(scenario, storage),
  };
}

/** Networks are loaded for those who train one. */
async function needsOf(scenario: Scenario, storage: Storage): Promise<TrainingNeeds | null> {
  if (scenario.training === null) return null;
  const { trainingNeeds } = await import("../training/needs.ts");
  return trainingNeeds(scenario, scenario.training, storage);
}

/**
 * The workload of a scenario whose files have been read.
 *
 * @throws ScenarioError if a normaliser does not go with the shape that the files turned out to have, or a value is
 *   to be spoiled that no rank holds.
 */
export function loadedWorkload(scenario: Scenario, batches: NpyBatches): Workload {
  refuseUnfitNormalizers(scenario, batches);
  refuseUnfitMoments(scenario, batches);
  refuseAbsentValues(scenario, batches);
  return {
    scenario,
    worldSize: batches.samples.length,
    storage: batches.storage,
    payload: scenario.payload === "auto" ? defaultPayload(batches.storage) : scenario.payload,
    samples: samplesOf(scenario, batches),
    channels: batches.channels,
    positionExtents: batches.positionExtents,
    positions: product(batches.positionExtents),
    isMasked: batches.mask !== null,
    isOfMoments: batches.moments !== undefined,
    makesData: false,
    makesGradients: batches.dy === null && batches.moments === undefined,
    trainingNeeds: null,
  };
}

function refuseUnfitNormalizers({ name, normalizers, mesh }: Scenario, batches: NpyBatches): void {
  const faults = normalizers
    .flatMap((spec, index) => [
      ...channelFindings(spec, index, batches.channels),
      ...rowFindings(mesh, spec, index, batches.positionExtents),
    ])
    .map(({ path: [, index, key], message }) => {
      return { file: name, path: `normalizers[${index}].${key}`, message };
    });
  if (faults.length > 0) throw new ScenarioError(faults);
}

/** Of the last training step, whose values a report counts; a token stands for a sample where moments are all there is. */
function samplesOf(scenario: Scenario, { samples, moments }: NpyBatches): readonly number[] {
  return moments?.[microbatchCounts(scenario).training - 1]?.map(({ count }) => count) ?? samples;
}

/** What moments are too few for, or do not tell. */
function refuseUnfitMoments(scenario: Scenario, { moments }: NpyBatches): void {
  if (moments === undefined) return;
  const { name, normalizers } = scenario;
  const { training, precise, heldOut } = microbatchCounts(scenario);
  const needed = training + precise + heldOut;
  const faults = normalizers.flatMap((spec, index) => {
    if (!("implementation" in spec) || spec.group === "rank") return [];
    if (implementations[spec.implementation].weighting !== "samples") return [];
    const message = `expected one that weighs ranks by values, got ${spec.implementation}: moments do not tell samples`;
    return [{ file: name, path: `normalizers[${index}].implementation`, message }];
  });
  if (needed > moments.length) {
    const message = `expected at least ${needed} steps in the files, one for each microbatch of training and evaluation, got ${moments.length}`;
    faults.push({ file: name, path: "data.files", message });
  }
  if (faults.length > 0) throw new ScenarioError(faults);
}

function refuseAbsentValues(scenario: Scenario, shape: Parameters<typeof spoiledValueObjections>[1]): void {
  const faults = spoiledValueObjections(scenario, shape).map(({ index, key, message }) => {
    return { file: scenario.name, path: `faults[${index}].${key}`, message };
  });
  if (faults.length > 0) throw new ScenarioError(faults);
}

function product(extents: readonly number[]): number {
  return extents.reduce((total, extent) => total * extent, 1);
}
