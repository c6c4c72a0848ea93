import { frameworkProfile } from "../frameworks/profiles.ts";
import type { Layer } from "../models/model.ts";
import { clusterPresets } from "../presets.ts";
import { gpuRates } from "../timeline/gpus.ts";
import type { Bound } from "./collective-times.ts";
import { pullRequestRows } from "./pull-request-38246.ts";
import { resolveRequest } from "./request.ts";
import { stepModel } from "./step-model.ts";
import { throughputRows } from "./throughput.ts";
import type { SyncBatchNormRow } from "./validation-row.ts";

/** Every published figure about SyncBN that is shipped, with its prediction; the bad ones too. */
export function syncBatchNormValidation(): SyncBatchNormRow[] {
  return [
    ...pullRequestRows(),
    detectronRow(),
    ...efficientDetRows(),
    horovodRow(),
    fairscaleRow(),
    ...throughputRows(),
  ];
}

/** A figure at its nominal value and at both ends of the band. */
function banded(
  secondsAt: (bound: Bound) => number,
): Pick<SyncBatchNormRow, "predictedSeconds" | "lowSeconds" | "highSeconds"> {
  return {
    predictedSeconds: secondsAt("nominal"),
    lowSeconds: secondsAt("low"),
    highSeconds: secondsAt("high"),
  };
}

function detectronRow(): SyncBatchNormRow {
  // The version is not stated: the oldest and the newest that were in use bound it.
  const implementations = { nominal: "pytorch-1.6", low: "pytorch-1.9", high: "pytorch-1.5" } as const;
  const groupNormSeconds = 0.309;
  const secondsAt = (bound: Bound): number =>
    stepModel(
      resolveRequest({
        ...{ model: "mask-rcnn-r50-fpn", cluster: "dgx-1-v100", gpus: 8, microbatch: 2, precision: "fp32" },
        ...{ implementation: implementations[bound], stepSeconds: groupNormSeconds },
      }),
    ).seconds(8, bound) - groupNormSeconds;
  return {
    family: "SyncBN: added to a step",
    run: "Mask R-CNN R50-FPN, detectron2",
    label: "8 V100",
    source: "https://github.com/facebookresearch/detectron2/blob/main/MODEL_ZOO.md",
    quantity: "step with SyncBN less the one with GroupNorm",
    measuredSeconds: 0.345 - groupNormSeconds,
    ...banded(secondsAt),
    isFitted: false,
    isUpperBound: false,
    note:
      "GroupNorm stands for local BatchNorm, though it is slower, so what is measured is less than SyncBN costs; " +
      "the version of PyTorch is not stated",
  };
}

/** What EfficientDet-D0 with SyncBN takes on 8 GPUs beyond one, which has nothing to synchronise. */
function efficientDetRows(): SyncBatchNormRow[] {
  const rows = [
    { cluster: "dgx-a100", gpu: "A100", precision: "amp", microbatch: 150, one: 255, eight: 1835 },
    { cluster: "dgx-a100", gpu: "A100", precision: "tf32", microbatch: 80, one: 170, eight: 1213 },
    { cluster: "dgx-1-v100", gpu: "V100", precision: "amp", microbatch: 60, one: 186, eight: 1040 },
    { cluster: "dgx-1-v100", gpu: "V100", precision: "fp32", microbatch: 30, one: 110, eight: 613 },
  ];
  return rows.map(({ cluster, gpu, precision, microbatch, one, eight }) => {
    const request = { model: "efficientdet-d0", cluster, gpus: 8, microbatch, precision };
    const oneSeconds = microbatch / one;
    const steps = stepModel(
      resolveRequest({ ...request, implementation: "pytorch-1.9", stepSeconds: oneSeconds }),
    );
    const isUpperBound = gpu === "V100";
    return {
      family: isUpperBound ? "SyncBN: upper bound" : "SyncBN: added to a step",
      run: "EfficientDet-D0, NVIDIA",
      label: `8 ${gpu}, ${precision}`,
      source: "https://github.com/NVIDIA/DeepLearningExamples/tree/master/PyTorch/Detection/Efficientdet",
      quantity: "step with SyncBN on 8 GPUs less the one of a single GPU",
      measuredSeconds: (8 * microbatch) / eight - oneSeconds,
      ...banded((bound) => steps.seconds(8, bound) - oneSeconds),
      isFitted: false,
      isUpperBound,
      note: isUpperBound
        ? "float32 and AMP lose as much, so the loss is the host's or the data's"
        : "loading data on 8 GPUs is in the figure; without SyncBN the vendor's models lose 3 to 20 %",
    };
  });
}

function horovodRow(): SyncBatchNormRow {
  const steps = stepModel(
    resolveRequest({
      ...{ model: "hrnet-w18", cluster: "dgx-1-v100", gpus: 4, microbatch: 32, precision: "fp32" },
      implementation: "horovod-0.20",
    }),
  );
  const local = steps.step(1).forwardSeconds;
  return {
    family: "SyncBN: added to a step",
    run: "HRNet-W18, Horovod 0.20.3",
    label: "4 V100",
    source: "https://github.com/horovod/horovod/issues/2450",
    quantity: "forward pass with SyncBN less the one without",
    measuredSeconds: 4.5 - 1.2,
    ...banded((bound) => steps.step(4, bound).forwardSeconds - local),
    isFitted: false,
    isUpperBound: false,
    note: "nearly all of it is two negotiation cycles of 5 ms at every layer, whatever the batch, which is not given",
  };
}

/** nn.SyncBatchNorm alone: 100 forward passes of [50, 2048, 7, 7] on 8 GPUs. */
function fairscaleRow(): SyncBatchNormRow {
  const [channels, side, parameters] = [2048, 7, 4096];
  const positions = side ** 2;
  const elements = channels * positions;
  const layer: Layer = {
    ...{
      name: "norm",
      kind: "batch-norm",
      channels,
      positions,
      parameters,
      forwardFlops: 0,
      isFrozen: false,
    },
    ...{ inputElements: elements, outputElements: elements },
  };
  const steps = stepModel({
    model: { name: "one layer", layers: [layer], parameters },
    cluster: clusterPresets["dgx-1-v100"]!,
    gpu: gpuRates("v100")!,
    profile: frameworkProfile("pytorch-1.6")!,
    ...{ gpus: 8, microbatch: 50, precision: "fp32", groupRanks: 8 },
    stepSeconds: undefined,
    ncclVersion: undefined,
  });
  return {
    family: "SyncBN: upper bound",
    run: "one layer of 2048 channels, fairscale",
    label: "8 V100",
    source: "https://github.com/facebookresearch/fairscale/pull/662",
    quantity: "forward pass",
    measuredSeconds: 0.0251,
    ...banded((bound) => steps.step(8, bound).forwardSeconds),
    isFitted: false,
    isUpperBound: true,
    note: "DDP broadcasts buffers at every forward pass of this benchmark; far above any communication model",
  };
}
