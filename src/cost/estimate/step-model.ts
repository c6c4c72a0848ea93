import type { ModelLayers } from "../models/model.ts";
import { timeLayers } from "../timeline/layer-kernels.ts";
import { type StepSetting, type StepTime, stepTime } from "../timeline/step.ts";
import type { Slice } from "../timeline/streams.ts";
import type { CostScales, Pace } from "../timeline/sync-pass.ts";
import { type Bound, CollectiveTimes } from "./collective-times.ts";
import { asModelled, paceThatTakes } from "./pace.ts";
import type { ResolvedRequest } from "./request.ts";
import { jitterAt, scalesAt } from "./uncertainty.ts";

/** Training steps of one request. */
export interface StepModel {
  readonly request: ResolvedRequest;
  readonly collectives: CollectiveTimes;
  /** A step with local BatchNorm: the measured one if there is one, else the modelled one. */
  baselineSeconds(): number;
  /** The baseline and what `step` is longer than a modelled local step. */
  seconds(groupRanks: number, bound?: Bound): number;
  /**
   * A step with that many ranks normalising together; 1: local, 0: no BatchNorm. The ends of the band are
   * those of synchronisation: computation and gradients stay as they are.
   */
  step(groupRanks: number, bound?: Bound): StepTime;
  /** A step that counts some causes only. */
  stepWith(groupRanks: number, scales: CostScales): StepTime;
  /** Show every slice of the representative rank in such a step. */
  record(groupRanks: number, onSlice: (slice: Slice) => void): void;
  /** The same steps at another pace. */
  at(pace: Pace): StepModel;
}

/** The steps of a request, at the pace that meets the measured one if there is one. */
export function stepModel(request: ResolvedRequest): StepModel {
  const collectives = new CollectiveTimes(request.cluster, request.ncclVersion);
  const { model, gpu, profile, gpus, microbatch, precision, stepSeconds } = request;
  const layers = timeLayers(model.layers, { gpu, precision, microbatch, layout: profile.layout });
  const fixed = {
    ...{ layers, gpu, profile, worldSize: gpus },
    parameters: trainedParameters(model),
    gradientSeconds: (bytes: number) => collectives.predict("all-reduce", bytes, gpus).seconds,
  };
  const of = (pace: Pace): StepModel => pacedModel(request, collectives, { ...fixed, pace });
  const asIs = of(asModelled);
  if (stepSeconds === undefined) return asIs;
  return of(paceThatTakes(stepSeconds, (pace) => asIs.at(pace).step(1).seconds));
}

/** What all steps of one pace share. */
type PacedSetting = Omit<StepSetting, "groupRanks" | "collectiveSeconds" | "jitter" | "scales">;

function pacedModel(request: ResolvedRequest, collectives: CollectiveTimes, paced: PacedSetting): StepModel {
  const settingAt = (groupRanks: number, bound: Bound): StepSetting => ({
    ...paced,
    groupRanks,
    collectiveSeconds: collectives.at(bound),
    jitter: jitterAt(groupRanks > 1 ? bound : "nominal"),
    scales: scalesAt(bound),
  });
  const known = new Map<string, StepTime>();
  const step = (groupRanks: number, bound: Bound = "nominal"): StepTime => {
    const key = `${groupRanks} ${bound}`;
    const time = known.get(key) ?? stepTime(settingAt(groupRanks, bound));
    known.set(key, time);
    return time;
  };
  const baselineSeconds = (): number => request.stepSeconds ?? step(1).seconds;
  return {
    ...{ request, collectives, baselineSeconds, step },
    seconds: (groupRanks, bound) => baselineSeconds() + (step(groupRanks, bound).seconds - step(1).seconds),
    stepWith: (groupRanks, scales) => stepTime({ ...settingAt(groupRanks, "nominal"), scales }),
    record: (groupRanks, onSlice) => void stepTime(settingAt(groupRanks, "nominal"), onSlice),
    at: (pace) => pacedModel(request, collectives, { ...paced, pace }),
  };
}

function trainedParameters({ layers }: ModelLayers): number {
  return layers.reduce((sum, { isFrozen, parameters }) => sum + (isFrozen ? 0 : parameters), 0);
}
