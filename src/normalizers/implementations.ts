import type { ImplementationName } from "../scenario/implementation-names.ts";
import type { BackwardField, Exchange, ForwardField, Implementation } from "./implementation.ts";

const gather = (...fields: ForwardField[]): Exchange<ForwardField> => ({ operation: "all-gather", fields });
const reduce = <Field extends ForwardField | BackwardField>(...fields: Field[]): Exchange<Field> => ({
  operation: "all-reduce",
  fields,
});

const sumsTogether = [reduce("sumDy", "sumDyXmu")];
const sumsApart = [reduce("sumDy"), reduce("sumDyXmu")];
const meansApart = [reduce("meanDy"), reduce("meanDyXmu")];

/** PyTorch itself never gives its statistics kernel an empty input (torch/nn/modules/_functions.py, pull request 74944). */
const noEmptyInput = "its statistics kernel takes no empty input (pytorch/pytorch#36530, fixed by #74944)";

/** How libraries synchronise BatchNorm, and two ways of our own. */
export const implementations: Readonly<Record<ImplementationName, Implementation>> = {
  pytorch: {
    title: "PyTorch SyncBatchNorm, 1.6 and later; empty ranks as from 1.12",
    source: "github.com/pytorch/pytorch, torch/nn/modules/_functions.py; pull requests 38246, 36382, 74944",
    forward: [gather("mean", "invStd", "count")],
    merge: { by: "chan" },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: "joins",
  },
  "pytorch-1.5": {
    title: "PyTorch SyncBatchNorm, 1.5 and earlier",
    source: "github.com/pytorch/pytorch, what pull requests 38246 (batched) and 36382 (gradient) replaced",
    forward: [gather("count"), gather("mean"), gather("invStd")],
    merge: { by: "chan" },
    weighting: "count",
    backward: meansApart,
    runningVariance: "unbiased",
    emptyRank: { leastValues: 1, because: noEmptyInput },
  },
  apex: {
    title: "NVIDIA Apex, its CUDA kernels",
    source: "github.com/NVIDIA/apex, apex/parallel/optimized_sync_batchnorm_kernel.py at e13873de",
    forward: [gather("mean", "variance", "count")],
    merge: { by: "chan" },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: {
      leastValues: 1,
      because: "its Welford kernel takes no empty input (inferred from the source)",
    },
  },
  "apex-python": {
    title: "NVIDIA Apex without its CUDA kernels",
    source:
      "github.com/NVIDIA/apex, apex/parallel/sync_batchnorm.py and sync_batchnorm_kernel.py at e13873de",
    forward: [reduce("mean"), reduce("meanSquare")],
    merge: { by: "mean-square", of: "mean", clips: false },
    weighting: "equal",
    backward: meansApart,
    runningVariance: "unbiased",
    emptyRank: "nan",
  },
  horovod: {
    title: "Horovod for PyTorch",
    source: "github.com/horovod/horovod, horovod/torch/sync_batch_norm.py",
    forward: [{ ...gather("count"), format: "int64" }, gather("mean"), gather("invStd")],
    merge: { by: "chan" },
    weighting: "count",
    backward: sumsApart,
    runningVariance: "unbiased",
    emptyRank: { leastValues: 1, because: noEmptyInput },
  },
  "horovod-tensorflow": {
    title: "Horovod for TensorFlow",
    source: "github.com/horovod/horovod, horovod/tensorflow/sync_batch_norm.py; gradient by TensorFlow",
    forward: [reduce("mean", "meanSquare")],
    merge: { by: "mean-square", of: "mean", clips: false },
    weighting: "equal",
    backward: sumsTogether,
    runningVariance: "biased",
    emptyRank: "nan",
  },
  detectron2: {
    title: 'detectron2 NaiveSyncBatchNorm, stats_mode ""',
    source:
      "github.com/facebookresearch/detectron2, detectron2/layers/batch_norm.py; fvcore/nn/distributed.py",
    forward: [gather("mean", "meanSquare")],
    merge: { by: "mean-square", of: "mean", clips: false },
    weighting: "equal",
    backward: sumsTogether,
    runningVariance: "biased",
    emptyRank: {
      leastValues: 1,
      because: 'it asserts that SyncBatchNorm(stats_mode="") does not support zero batch size',
    },
  },
  "detectron2-n": {
    title: 'detectron2 NaiveSyncBatchNorm, stats_mode "N"',
    source:
      "github.com/facebookresearch/detectron2, detectron2/layers/batch_norm.py; fvcore/nn/distributed.py",
    forward: [gather("sampleMean", "sampleMeanSquare", "samples")],
    merge: { by: "mean-square", of: "sampleMean", clips: false },
    weighting: "samples",
    backward: [{ ...reduce("sumDy", "sumDyXmu"), unused: { perChannel: 0, once: 1 } }],
    runningVariance: "biased",
    emptyRank: "joins",
  },
  keras: {
    title: "Keras 3 on TensorFlow, BatchNormalization(synchronized=True)",
    source: "github.com/keras-team/keras, keras/src/backend/tensorflow/nn.py; gradient by TensorFlow",
    forward: [reduce("sum"), reduce("squareSum"), reduce("countPerChannel")],
    merge: { by: "mean-square", of: "sum", clips: true },
    weighting: "count",
    backward: sumsApart,
    runningVariance: "biased",
    emptyRank: "joins",
  },
  "tf-keras": {
    title: "tf.keras 2 SyncBatchNormalization, channels last",
    source:
      "github.com/tensorflow/tensorflow, tensorflow/python/keras/layers/normalization_v2.py; issue 43165",
    forward: [reduce("sum"), reduce("squareSum"), reduce("samples")],
    merge: { by: "mean-square", of: "sum", clips: false },
    weighting: "samples",
    backward: sumsApart,
    runningVariance: "biased",
    emptyRank: "joins",
  },
  flax: {
    title: "Flax BatchNorm(axis_name)",
    source: "github.com/google/flax, flax/linen/normalization.py; gradient by JAX",
    forward: [reduce("mean", "meanSquare")],
    merge: { by: "mean-square", of: "mean", clips: true },
    weighting: "equal",
    backward: sumsTogether,
    runningVariance: "biased",
    emptyRank: "nan",
  },
  mxnet: {
    title: "MXNet gluon SyncBatchNorm: host memory of one process; all-reduces stand for it here",
    source: "github.com/apache/mxnet, src/operator/contrib/sync_batch_norm-inl.h",
    forward: [reduce("mean"), reduce("meanSquare")],
    merge: { by: "mean-square", of: "mean", clips: false },
    weighting: "equal",
    backward: sumsApart,
    runningVariance: "biased",
    emptyRank: "nan",
  },
  paddle: {
    title: "Paddle SyncBatchNorm",
    source: "github.com/PaddlePaddle/Paddle, paddle/phi/kernels/gpu/sync_batch_norm_kernel.cu",
    // The buffer is allocated in bytes and reduced in elements, 4 (2C + 1); slot 2C holds a 1 per device.
    forward: [{ ...reduce("mean", "meanSquare"), unused: { perChannel: 6, once: 4 } }],
    merge: { by: "mean-square", of: "mean", clips: false },
    weighting: "equal",
    backward: [{ ...reduce("sumDy", "sumDyXmu"), unused: { perChannel: 6, once: 4 } }],
    runningVariance: "biased",
    emptyRank: "nan",
  },
  "inplace-abn": {
    title: "inplace_abn InPlaceABNSync (its normalisation; no activation here)",
    source: "github.com/mapillary/inplace_abn, inplace_abn/functions.py",
    forward: [gather("mean", "variance"), { ...gather("count"), format: "int64" }],
    merge: { by: "chan" },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: {
      leastValues: 2,
      because: "it raises a ValueError where a rank has no more than one value per channel",
    },
  },
  fairscale: {
    title: "fairscale SyncBatchNorm (experimental)",
    source: "github.com/facebookresearch/fairscale, fairscale/experimental/nn/sync_batchnorm.py",
    forward: [reduce("count"), reduce("weightedMean", "weightedMeanSquare")],
    merge: { by: "mean-square", of: "weightedMean", clips: false },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: "nan",
  },
  mindspore: {
    // The kernels that merge were not read: Chan's merge and the unbiased variance are assumed.
    title: "MindSpore SyncBatchNorm on GPUs (its merge is assumed, not read)",
    source: "github.com/mindspore-ai/mindspore, gpu/nccl/sync_batch_norm_gpu_kernel.h and its grad kernel",
    forward: [gather("mean"), gather("invStd"), { ...gather("countPerChannel"), format: "int32" }],
    merge: { by: "chan" },
    weighting: "count",
    backward: sumsApart,
    runningVariance: "unbiased",
    emptyRank: {
      leastValues: 1,
      because:
        "its kernel returns from an empty input before it joins the collectives, where the other ranks would wait for ever",
    },
  },
  "all-reduce-moments": {
    title: "one all-reduce that merges (count, mean, m2) records at every hop",
    source: "normsim; Chan, Golub, LeVeque (1979), Stanford CS-TR-79-773",
    forward: [reduce("moments")],
    merge: { by: "collective" },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: "joins",
  },
  "all-reduce-shifted": {
    title: "the first rank's means are broadcast, sums about them all-reduced",
    source: "normsim; shifted data as in Chan, Golub, LeVeque (1983), Am. Stat. 37:242",
    forward: [
      { operation: "broadcast", fields: ["shift"] },
      reduce("shiftedSum", "shiftedSquareSum", "count"),
    ],
    merge: { by: "mean-square", of: "shiftedSum", clips: true },
    weighting: "count",
    backward: sumsTogether,
    runningVariance: "unbiased",
    emptyRank: "joins",
  },
};
