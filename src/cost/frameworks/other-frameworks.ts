import type { FrameworkProfile, LayerCollective, SyncPass } from "./profile.ts";
import { ddpBuckets } from "./pytorch.ts";

const reduce = (valuesPerChannel: number, values = 0): LayerCollective => ({
  operation: "all-reduce",
  valuesPerChannel,
  values,
});
const gather = (valuesPerChannel: number, values = 0): LayerCollective => ({
  operation: "all-gather",
  valuesPerChannel,
  values,
});

const none: SyncPass = {
  collectives: [],
  extraKernels: 0,
  copiesPerRank: 0,
  hostSyncs: 0,
  mergesRanks: false,
};

const horovod: Omit<FrameworkProfile, "name" | "title" | "negotiation" | "gradients"> = {
  source:
    "github.com/horovod/horovod, horovod/torch/sync_batch_norm.py; cycle and fusion defaults: release notes of 0.21.0, pull request 2468",
  kernelLaunchSeconds: 10e-6,
  collectiveLaunchSeconds: 30e-6,
  hostSyncSeconds: 10e-6,
  forward: {
    ...none,
    collectives: [gather(0, 2), gather(1), gather(1)],
    extraKernels: 4,
    hostSyncs: 2,
    mergesRanks: true,
  },
  backward: { ...none, collectives: [reduce(1), reduce(1)], extraKernels: 2, hostSyncs: 1 },
  sharesCommunicator: true,
  exchangesThroughHost: false,
  groups: "world",
  layout: "contiguous",
};

/** Names do not change from layer to layer but shapes do, so the response cache misses: a second cycle. */
const horovodCycles = 2;

/** Frameworks with communication of their own. Launch costs are set, not measured, as in pytorch.ts. */
export const otherProfiles: readonly FrameworkProfile[] = [
  {
    ...horovod,
    name: "horovod",
    title: "Horovod 0.21 and later, for PyTorch",
    negotiation: { cycles: horovodCycles, cycleSeconds: 1e-3 },
    gradients: { firstBucketBytes: 128 * 2 ** 20, bucketBytes: 128 * 2 ** 20, overlapsBackward: true },
  },
  {
    ...horovod,
    name: "horovod-0.20",
    title: "Horovod 0.20 and earlier, for PyTorch",
    negotiation: { cycles: horovodCycles, cycleSeconds: 5e-3 },
    gradients: { firstBucketBytes: 64 * 2 ** 20, bucketBytes: 64 * 2 ** 20, overlapsBackward: true },
  },
  {
    name: "keras",
    title: "Keras 3 on TensorFlow, BatchNormalization(synchronized=True)",
    source: "github.com/keras-team/keras, keras/src/backend/tensorflow/nn.py (3 all-reduces, not batched)",
    // Graph mode: an executor launches kernels without Python.
    kernelLaunchSeconds: 5e-6,
    collectiveLaunchSeconds: 20e-6,
    hostSyncSeconds: 0,
    forward: { ...none, collectives: [reduce(1), reduce(1), reduce(1)], extraKernels: 10 },
    backward: { ...none, collectives: [reduce(1), reduce(1)], extraKernels: 8 },
    sharesCommunicator: true,
    negotiation: null,
    exchangesThroughHost: false,
    groups: "world",
    layout: "channels-last",
    gradients: { firstBucketBytes: 32 * 2 ** 20, bucketBytes: 32 * 2 ** 20, overlapsBackward: false },
  },
  {
    name: "flax",
    title: "Flax BatchNorm(axis_name), compiled by XLA",
    source: "github.com/google/flax, flax/linen/normalization.py (one pmean of the stacked moments)",
    // One executable: launches come from a compiled loop.
    kernelLaunchSeconds: 2e-6,
    collectiveLaunchSeconds: 5e-6,
    hostSyncSeconds: 0,
    forward: { ...none, collectives: [reduce(2)], extraKernels: 1 },
    backward: { ...none, collectives: [reduce(2)], extraKernels: 1 },
    sharesCommunicator: true,
    negotiation: null,
    exchangesThroughHost: false,
    groups: "any",
    layout: "channels-last",
    gradients: { firstBucketBytes: 30 * 2 ** 20, bucketBytes: 30 * 2 ** 20, overlapsBackward: false },
  },
  {
    name: "mxnet",
    title: "MXNet gluon SyncBatchNorm, one process",
    source: "github.com/apache/mxnet, src/operator/contrib/sync_batch_norm-inl.h (host memory and a barrier)",
    kernelLaunchSeconds: 8e-6,
    collectiveLaunchSeconds: 10e-6,
    hostSyncSeconds: 10e-6,
    forward: { ...none, extraKernels: 4, hostSyncs: 1 }, // two copies down, two up
    backward: { ...none, extraKernels: 4, hostSyncs: 1 },
    sharesCommunicator: false,
    negotiation: null,
    exchangesThroughHost: true,
    groups: "world",
    layout: "contiguous",
    gradients: { ...ddpBuckets, bucketBytes: 4 * 2 ** 20 }, // one push for each array
  },
];
