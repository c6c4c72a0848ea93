import { resolveRequest } from "./request.ts";
import { stepModel } from "./step-model.ts";
import type { SyncBatchNormRow } from "./validation-row.ts";

const source = "https://github.com/NVIDIA/DeepLearningExamples/tree/master/PyTorch/Classification/ConvNets";

/** Images per second of one GPU, without synchronisation. */
const published = [
  { model: "resnet50", cluster: "dgx-a100", precision: "amp", microbatch: 256, rate: 2470 },
  { model: "resnet50", cluster: "dgx-a100", precision: "tf32", microbatch: 256, rate: 938 },
  { model: "resnet50", cluster: "dgx-1-v100", precision: "amp", microbatch: 256, rate: 1200 },
  { model: "resnet50", cluster: "dgx-1-v100", precision: "fp32", microbatch: 112, rate: 367 },
  { model: "efficientnet-b0", cluster: "dgx-a100", precision: "amp", microbatch: 256, rate: 2489 },
  { model: "efficientnet-b0", cluster: "dgx-a100", precision: "tf32", microbatch: 256, rate: 1078 },
  { model: "efficientnet-b4", cluster: "dgx-a100", precision: "amp", microbatch: 128, rate: 331 },
  { model: "efficientnet-b4", cluster: "dgx-a100", precision: "tf32", microbatch: 64, rate: 157 },
  { model: "efficientnet-b0", cluster: "dgx-1-v100", precision: "amp", microbatch: 128, rate: 1301 },
  { model: "efficientnet-b4", cluster: "dgx-1-v100", precision: "amp", microbatch: 32, rate: 204 },
] as const;

/** The stated band of a modelled baseline: a factor of 2 either way. */
const baselineFactor = 2;

/** The baseline of an estimate against what one GPU was published to do. */
export function throughputRows(): SyncBatchNormRow[] {
  return published.map(({ model, cluster, precision, microbatch, rate }) => {
    const request = { model, cluster, precision, microbatch, gpus: 1, implementation: "pytorch-1.9" };
    const predictedSeconds = stepModel(resolveRequest(request)).seconds(1);
    return {
      family: "local BatchNorm, one GPU",
      run: `${model}, one GPU`,
      label: `${cluster}, ${precision}`,
      source,
      quantity: "step with local BatchNorm",
      measuredSeconds: microbatch / rate,
      predictedSeconds,
      lowSeconds: predictedSeconds / baselineFactor,
      highSeconds: predictedSeconds * baselineFactor,
      isFitted: true,
      isUpperBound: false,
      note: "shares of peak rates were set by hand on these rows, one a precision and one for depthwise convolutions",
    };
  });
}
