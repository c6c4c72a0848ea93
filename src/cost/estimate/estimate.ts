import type { Precision } from "../timeline/gpus.ts";
import { adviceFor } from "./advice.ts";
import { type Breakdown, breakdownOf } from "./breakdown.ts";
import { type GroupEstimate, groupEstimates } from "./groups.ts";
import { type LayerEstimate, layerEstimates } from "./layers.ts";
import { notesOf } from "./notes.ts";
import { type EstimateRequest, resolveRequest } from "./request.ts";
import { type StepModel, stepModel } from "./step-model.ts";

/** What a training step costs with local, synchronised and no BatchNorm. */
export interface Estimate {
  readonly model: string;
  readonly cluster: string;
  readonly gpus: number;
  readonly microbatch: number;
  readonly precision: Precision;
  readonly implementation: string;
  /** What overheads are relative to: the measured step if one was given, else the modelled local one. */
  readonly baselineStepSeconds: number;
  readonly localBatchNorm: { readonly stepSeconds: number };
  readonly noBatchNorm: { readonly stepSeconds: number };
  readonly syncBatchNorm: {
    /** Ranks that normalise together. */
    readonly group: number;
    readonly stepSeconds: number;
    /** The band of what synchronisation adds; the baseline has none of its own. */
    readonly lowSeconds: number;
    readonly highSeconds: number;
    readonly overheadPercent: number;
    readonly breakdown: Breakdown;
  };
  /** By ascending size. */
  readonly groups: readonly GroupEstimate[];
  /** Every BatchNorm in the order of the forward pass. */
  readonly layers: readonly LayerEstimate[];
  /** What to do about the cost, in one sentence. */
  readonly advice: string;
  /** What the figures assume and leave out, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Estimate a training step of a model on a cluster with local and with synchronised BatchNorm.
 *
 * @throws ScenarioError with all faults of the request at once.
 */
export function estimate(request: EstimateRequest): Estimate {
  const resolved = resolveRequest(request);
  const steps = stepModel(resolved);
  const { model, cluster, profile, gpus, microbatch, precision, groupRanks } = resolved;
  const groups = groupEstimates(steps);
  const breakdown = breakdownOf(steps, groupRanks);
  return {
    model: model.name,
    cluster: cluster.name,
    ...{ gpus, microbatch, precision },
    implementation: profile.name,
    baselineStepSeconds: steps.baselineSeconds(),
    localBatchNorm: { stepSeconds: steps.seconds(1) },
    noBatchNorm: { stepSeconds: steps.seconds(0) },
    syncBatchNorm: { group: groupRanks, ...bandOf(steps), breakdown },
    groups,
    layers: layerEstimates(steps, groupRanks),
    advice: adviceFor(resolved, groups, breakdown),
    notes: notesOf(steps),
  };
}

function bandOf(
  steps: StepModel,
): Pick<Estimate["syncBatchNorm"], "stepSeconds" | "lowSeconds" | "highSeconds" | "overheadPercent"> {
  const { request } = steps;
  const stepSeconds = steps.seconds(request.groupRanks);
  return {
    stepSeconds,
    lowSeconds: steps.seconds(request.groupRanks, "low"),
    highSeconds: steps.seconds(request.groupRanks, "high"),
    overheadPercent: 100 * (stepSeconds / steps.baselineSeconds() - 1),
  };
}
