import { expectedOutputMse } from "../../statistics/expectations.ts";
import type { Layer } from "../models/model.ts";
import type { ResolvedRequest } from "./request.ts";
import type { StepModel } from "./step-model.ts";

/** What it costs and what it leaves to synchronise groups of one size. */
export interface GroupEstimate {
  /** Ranks that normalise together. */
  readonly group: number;
  /** What that many ranks are, where it is something: `local`, `node`, `world`. */
  readonly label: string | null;
  readonly stepSeconds: number;
  /** Over local BatchNorm. */
  readonly overheadPercent: number;
  /**
   * Expected mean square of xHat(group) − xHat(world), the mean over BatchNorm layers, each counting once;
   * closed form for values that are independent and Gaussian.
   */
  readonly outputMse: number;
}

/** Groups of 1, 2, 4, ... ranks, one node and the world, as far as the framework can do them. */
export function groupEstimates(model: StepModel): GroupEstimate[] {
  const { request } = model;
  return groupSizes(request).map((group) => {
    const stepSeconds = model.seconds(group);
    return {
      group,
      label: labelOf(group, request),
      stepSeconds,
      overheadPercent: 100 * (stepSeconds / model.baselineSeconds() - 1),
      outputMse: outputMse(group, request),
    };
  });
}

/** The layers that a group synchronises. */
export function batchNormLayers({ model }: ResolvedRequest): Layer[] {
  return model.layers.filter(({ kind }) => kind === "batch-norm");
}

function groupSizes({ gpus, cluster, profile, groupRanks }: ResolvedRequest): number[] {
  if (profile.groups === "world") return [...new Set([1, gpus])];
  const sizes = new Set([groupRanks, Math.min(gpus, cluster.gpusPerNode), gpus]);
  for (let group = 1; group < gpus; group *= 2) sizes.add(group);
  return [...sizes].sort((a, b) => a - b);
}

function labelOf(group: number, { gpus, cluster }: ResolvedRequest): string | null {
  if (group === gpus) return "world";
  if (group === cluster.gpusPerNode) return "node";
  return group === 1 ? "local" : null;
}

/** Groups are blocks of ranks, the last one smaller where they do not divide the world. */
function outputMse(group: number, request: ResolvedRequest): number {
  const { gpus, microbatch } = request;
  const layers = batchNormLayers(request);
  const remainder = gpus % group;
  let sum = 0;
  for (const { positions } of layers) {
    const values = microbatch * positions;
    const all = values * gpus;
    const whole = expectedOutputMse(values * group, all) * (gpus - remainder);
    const rest = remainder === 0 ? 0 : expectedOutputMse(values * remainder, all) * remainder;
    sum += (whole + rest) / gpus;
  }
  return layers.length === 0 ? 0 : sum / layers.length;
}
