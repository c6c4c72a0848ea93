import type { Cluster } from "../cluster.ts";
import type { FrameworkProfile } from "../frameworks/profile.ts";
import { frameworkProfile } from "../frameworks/profiles.ts";
import type { Model } from "../models/model.ts";
import { buildModel } from "../models/registry.ts";
import { gpuRates } from "../timeline/gpus.ts";
import type { Bound } from "./collective-times.ts";
import { batchNormLayers } from "./groups.ts";
import { paceThatTakes } from "./pace.ts";
import type { ResolvedRequest } from "./request.ts";
import { type StepModel, stepModel } from "./step-model.ts";
import type { SyncBatchNormRow } from "./validation-row.ts";

/** One model of the benchmark. */
interface Series {
  readonly model: string;
  /** Of 2, 4 and 8 GPUs, by profile. */
  readonly stepSeconds: Readonly<Record<"pytorch-1.5" | "pytorch-1.6", readonly [number, number, number]>>;
}

const source = "https://github.com/pytorch/pytorch/pull/38246";

/** Forward and backward, 8 Tesla P100, 20 samples; before and after the collectives were batched. */
const series: readonly Series[] = [
  {
    model: "efficientnet-b3",
    stepSeconds: { "pytorch-1.5": [0.66, 0.777, 0.988], "pytorch-1.6": [0.654, 0.71, 0.838] },
  },
  {
    model: "mobilenetv2",
    stepSeconds: { "pytorch-1.5": [0.267, 0.328, 0.453], "pytorch-1.6": [0.266, 0.289, 0.373] },
  },
];

/** What its machine is taken to be: P100 on PCIe with a V100's communication constants, the oldest there are. */
const cluster: Cluster = {
  name: "8 x P100, PCIe",
  gpu: "v100",
  gpusPerNode: 8,
  intra: "pcie3",
  inter: { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 1.25e9 },
  cpu: "intel",
  nccl: "2.5",
};

/**
 * What an operation of that machine's host is taken to take when one process runs, and how much longer for each
 * further process. Fitted to the rows after the change; the valley is flat (30 µs with 0.6 and 60 µs with 0.2 fit about
 * as well), and test/estimate-validation.test.ts looks for a better point. It holds whatever else grows with
 * processes on that machine: neither its cores nor its wiring are published.
 */
export const p100Host: HostFit = { launchSeconds: 50e-6, contentionPerProcess: 0.3 };

/** A host whose operations slow down with every process that shares it. */
export interface HostFit {
  readonly launchSeconds: number;
  readonly contentionPerProcess: number;
}

/** Growth of a step per BatchNorm from 2 GPUs to 4 and 8, for both models, before and after the change. */
export function pullRequestRows(host: HostFit = p100Host): SyncBatchNormRow[] {
  return series.flatMap(({ model: name, stepSeconds }) => {
    const model = buildModel(name);
    const steps = (profile: string, gpus: number): StepModel =>
      stepModel(requestFor(model, profile, gpus, host));
    // The size of the images is not published: layers are paced so that 2 GPUs take what they took after the change.
    const after = steps("pytorch-1.6", 2);
    const pace = paceThatTakes(stepSeconds["pytorch-1.6"][0], (at) => after.at(at).step(2).seconds);
    return (["pytorch-1.5", "pytorch-1.6"] as const).flatMap((profile) => {
      const [two, four, eight] = [2, 4, 8].map((gpus) => steps(profile, gpus).at(pace));
      const [ofTwo, ofFour, ofEight] = stepSeconds[profile];
      return [
        growthRow(profile, two!, four!, ofFour - ofTwo),
        growthRow(profile, two!, eight!, ofEight - ofTwo),
      ];
    });
  });
}

/** `measured`: growth of the whole step. */
function growthRow(profile: string, two: StepModel, many: StepModel, measured: number): SyncBatchNormRow {
  const { gpus, model } = many.request;
  const layers = batchNormLayers(many.request).length;
  const growth = (bound: Bound): number =>
    (many.step(gpus, bound).seconds - two.step(2, bound).seconds) / layers;
  const isAfter = profile === "pytorch-1.6";
  return {
    family: "SyncBN: growth per layer",
    run: `${model.name} on P100, PyTorch PR 38246`,
    label: `${gpus} GPUs, ${isAfter ? "after" : "before"}`,
    source,
    quantity: "growth of the step from 2 GPUs, per BatchNorm",
    measuredSeconds: measured / layers,
    predictedSeconds: growth("nominal"),
    lowSeconds: growth("low"),
    highSeconds: growth("high"),
    isFitted: isAfter,
    isUpperBound: false,
    note: "layers are paced to 2 GPUs after the change, host costs are fitted to the rows after it",
  };
}

function requestFor(model: Model, profile: string, gpus: number, host: HostFit): ResolvedRequest {
  return {
    model,
    cluster,
    gpu: gpuRates("p100")!,
    profile: onHost(frameworkProfile(profile)!, host, gpus),
    gpus,
    microbatch: 20,
    precision: "fp32",
    groupRanks: gpus,
    stepSeconds: undefined,
    ncclVersion: undefined,
  };
}

/** A profile whose host costs are those of a host that several processes share. */
function onHost(
  profile: FrameworkProfile,
  { launchSeconds, contentionPerProcess }: HostFit,
  processes: number,
): FrameworkProfile {
  const factor = (launchSeconds / profile.kernelLaunchSeconds) * (1 + contentionPerProcess * (processes - 1));
  return {
    ...profile,
    kernelLaunchSeconds: factor * profile.kernelLaunchSeconds,
    collectiveLaunchSeconds: factor * profile.collectiveLaunchSeconds,
    hostSyncSeconds: factor * profile.hostSyncSeconds,
  };
}
