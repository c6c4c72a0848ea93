import { type Fault, ScenarioError } from "../../errors.ts";
import { didYouMean } from "../../scenario/suggestion.ts";
import type { Cluster } from "../cluster.ts";
import type { FrameworkProfile } from "../frameworks/profile.ts";
import { frameworkProfile, profileNames } from "../frameworks/profiles.ts";
import type { ModelLayers } from "../models/model.ts";
import { buildModel, modelNames } from "../models/registry.ts";
import { isKnownVersion, knownVersions } from "../nccl/version.ts";
import { clusterPresets } from "../presets.ts";
import { type GpuRates, gpuRates, type Precision, precisions, timedGpus } from "../timeline/gpus.ts";

/** Ranks that normalise together: one node, all, or that many consecutive ones. */
export type GroupChoice = number | "node" | "world";

/** What to estimate. */
export interface EstimateRequest {
  /** One of `modelNames`, or a model's layers. */
  readonly model: string | ModelLayers;
  /** A preset's name, or a cluster. */
  readonly cluster: string | Cluster;
  readonly gpus: number;
  /** Samples of one GPU. */
  readonly microbatch: number;
  /** Default `tf32` on GPUs that have it, else `fp32`: what PyTorch does with convolutions. */
  readonly precision?: string;
  /** One of `profileNames`; default `pytorch`. */
  readonly implementation?: string;
  /** What syncBatchNorm is estimated for; default `world`. */
  readonly group?: GroupChoice;
  /** A measured step with local BatchNorm, which takes the place of the modelled one. */
  readonly stepSeconds?: number;
  /** Such as `2.26`; default: the cluster's, else the newest that is modelled. */
  readonly ncclVersion?: string;
}

/** A request whose every part was found. */
export interface ResolvedRequest {
  readonly model: ModelLayers;
  readonly cluster: Cluster;
  readonly gpu: GpuRates;
  readonly profile: FrameworkProfile;
  readonly gpus: number;
  readonly microbatch: number;
  readonly precision: Precision;
  readonly groupRanks: number;
  readonly stepSeconds: number | undefined;
  readonly ncclVersion: string | undefined;
}

/** More GPUs than anybody has, and a count that float64 arithmetic on bytes still holds. */
const mostGpus = 2 ** 24;
const mostSamples = 2 ** 20;
/** A step of more than a day, or of less than a kernel, is a slip of the unit. */
const [leastStepSeconds, mostStepSeconds] = [1e-5, 86_400];

/**
 * Find everything that a request names.
 *
 * @throws ScenarioError with all faults at once.
 */
export function resolveRequest(request: EstimateRequest): ResolvedRequest {
  const faults: Fault[] = [];
  const refuse = (path: string, message: string): void => {
    faults.push({ file: "normsim estimate", path, message });
  };
  const { implementation = "pytorch", gpus, microbatch } = request;
  const named = (path: string, got: string, what: string, known: readonly string[]): boolean => {
    if (known.includes(got)) return true;
    refuse(path, `no ${what} ${JSON.stringify(got)}; there are ${known.join(", ")}${didYouMean(got, known)}`);
    return false;
  };
  const model = findModel(request.model, named);
  const cluster = findCluster(request.cluster, named);
  const gpu = cluster && gpuRates(cluster.gpu);
  if (cluster !== undefined && gpu === undefined)
    refuse("cluster.gpu", `expected one of ${timedGpus.join(", ")}, got ${JSON.stringify(cluster.gpu)}`);
  const precision = request.precision ?? (gpu?.peakFlops.tf32 === null ? "fp32" : "tf32");
  named("precision", precision, "precision", precisions);
  named("implementation", implementation, "implementation", profileNames);
  wholeNumber("gpus", gpus, mostGpus, refuse);
  wholeNumber("microbatch", microbatch, mostSamples, refuse);
  const profile = frameworkProfile(implementation);
  refuseGroup(request, profile, cluster, refuse);
  const { stepSeconds, ncclVersion } = request;
  if (stepSeconds !== undefined && !(stepSeconds >= leastStepSeconds && stepSeconds <= mostStepSeconds))
    refuse("step-time", `expected a duration from 10us to a day, such as 120ms, got ${stepSeconds} s`);
  if (model?.layers.every(({ forwardFlops }) => forwardFlops === 0) && stepSeconds === undefined)
    refuse("step-time", "expected your measured step: the layers hold no product with weights to model one");
  if (ncclVersion !== undefined && !isKnownVersion(ncclVersion))
    refuse(
      "nccl",
      `expected a version from ${knownVersions}, such as 2.26, got ${JSON.stringify(ncclVersion)}`,
    );
  if (faults.length > 0 || !model || !cluster || !gpu || !profile) throw new ScenarioError(faults);
  const groupRanks = ranksOf(request.group ?? "world", gpus, cluster);
  const found = { model, cluster, gpu, profile, gpus, microbatch, groupRanks, stepSeconds, ncclVersion };
  return { ...found, precision: precision as Precision };
}

/** How many ranks a choice of group means. */
function ranksOf(group: GroupChoice, gpus: number, { gpusPerNode }: Cluster): number {
  if (group === "world") return gpus;
  return group === "node" ? Math.min(gpusPerNode, gpus) : group;
}

type Refuse = (path: string, message: string) => void;
type Named = (path: string, got: string, what: string, known: readonly string[]) => boolean;

function findModel(model: string | ModelLayers, named: Named): ModelLayers | undefined {
  if (typeof model !== "string") return model;
  return named("model", model, "model", modelNames) ? buildModel(model) : undefined;
}

function findCluster(cluster: string | Cluster, named: Named): Cluster | undefined {
  if (typeof cluster !== "string") return cluster;
  return named("cluster", cluster, "cluster", Object.keys(clusterPresets))
    ? clusterPresets[cluster]
    : undefined;
}

function wholeNumber(path: string, got: number, most: number, refuse: Refuse): void {
  if (Number.isInteger(got) && got >= 1 && got <= most) return;
  refuse(path, `expected a whole number from 1 to ${most}, got ${got}`);
}

function refuseGroup(
  { group = "world", gpus }: EstimateRequest,
  profile: FrameworkProfile | undefined,
  cluster: Cluster | undefined,
  refuse: Refuse,
): void {
  const isWhole = typeof group !== "number" || (Number.isInteger(group) && group >= 1);
  if (!isWhole || (typeof group === "string" && group !== "node" && group !== "world")) {
    refuse("group", `expected node, world or a whole number above 0, got ${JSON.stringify(group)}`);
    return;
  }
  if (typeof group === "number" && gpus >= 1 && group > gpus)
    refuse("group", `expected at most the ${gpus} GPUs, got ${group}`);
  if (profile === undefined || cluster === undefined) return;
  const ranks = ranksOf(group, gpus, cluster);
  if (profile.groups === "world" && ranks !== gpus && ranks !== 1)
    refuse("group", `${profile.title} synchronises all ranks or none: expected world or 1, got ${group}`);
  if (profile.exchangesThroughHost && gpus > cluster.gpusPerNode) {
    const most = `the ${cluster.gpusPerNode} GPUs of a node`;
    refuse("gpus", `${profile.title} runs in one process: expected at most ${most}, got ${gpus}`);
  }
}
