import type { FrameworkProfile, GradientBuckets, LayerCollective, SyncPass } from "./profile.ts";

// Host costs of eager mode, set for a host of 2020 and not measured here: an operation with one kernel
// through the dispatcher and autograd takes about 10 µs, a collective 50 µs (PyTorch users measured
// 35 to 70 µs a call), a synchronisation about 10 µs. `normsim estimate` widens its band by twice and half.
const eager = { kernelLaunchSeconds: 10e-6, collectiveLaunchSeconds: 50e-6, hostSyncSeconds: 10e-6 } as const;

/** Defaults of DistributedDataParallel: 25 MiB, the first bucket 1 MiB (docs.pytorch.org, notes/ddp). */
export const ddpBuckets: GradientBuckets = {
  firstBucketBytes: 2 ** 20,
  bucketBytes: 25 * 2 ** 20,
  overlapsBackward: true,
};

const gatherStatistics: LayerCollective = { operation: "all-gather", valuesPerChannel: 2, values: 1 };
const reduceGradients: LayerCollective = { operation: "all-reduce", valuesPerChannel: 2, values: 0 };
const perChannel = (operation: LayerCollective["operation"]): LayerCollective => ({
  operation,
  valuesPerChannel: 1,
  values: 0,
});

/** One gather of mean, inverse deviation and count, as from 1.6 on. */
const batchedForward: SyncPass = {
  collectives: [gatherStatistics],
  extraKernels: 4, // fill the count, concatenate, split, merge
  copiesPerRank: 0,
  hostSyncs: 0,
  mergesRanks: true,
};

/** One reduction of both sums, as from 1.6 on. */
const batchedBackward: SyncPass = {
  collectives: [reduceGradients],
  extraKernels: 2, // concatenate, split
  copiesPerRank: 0,
  hostSyncs: 0,
  mergesRanks: false,
};

const processGroup = {
  ...eager,
  sharesCommunicator: true,
  negotiation: null,
  exchangesThroughHost: false,
  groups: "any",
  layout: "contiguous",
  gradients: ddpBuckets,
} as const;

/** PyTorch's SyncBatchNorm through its history, and Apex's and detectron2's on top of PyTorch. */
export const pytorchProfiles: readonly FrameworkProfile[] = [
  {
    ...processGroup,
    name: "pytorch",
    title: "PyTorch 1.12 and later, eager",
    source: "github.com/pytorch/pytorch, torch/nn/modules/_functions.py; pull requests 74944, 89521",
    forward: { ...batchedForward, extraKernels: 10, hostSyncs: 1 }, // mask, nonzero and three indexings
    backward: batchedBackward,
  },
  {
    ...processGroup,
    name: "pytorch-graph",
    title: "PyTorch 2.x, captured in a CUDA graph",
    source: "github.com/pytorch/pytorch, torch/nn/modules/_functions.py; pull request 78666 skips the mask",
    // A graph is launched once; its nodes follow each other about 1.5 µs apart.
    kernelLaunchSeconds: 1.5e-6,
    collectiveLaunchSeconds: 3e-6,
    hostSyncSeconds: 0,
    forward: batchedForward,
    backward: batchedBackward,
  },
  {
    ...processGroup,
    name: "pytorch-1.9",
    title: "PyTorch 1.9 to 1.11",
    source: "github.com/pytorch/pytorch, pull requests 46906 (no host sync), 57769 (_all_gather_base)",
    forward: batchedForward,
    backward: batchedBackward,
  },
  {
    ...processGroup,
    name: "pytorch-1.6",
    title: "PyTorch 1.6 to 1.8",
    source: "github.com/pytorch/pytorch, pull requests 38246 (batched), 37133 (host sync)",
    forward: { ...batchedForward, copiesPerRank: 1, hostSyncs: 1 },
    backward: { ...batchedBackward, extraKernels: 4 }, // and two divisions
  },
  {
    ...processGroup,
    name: "pytorch-1.5",
    title: "PyTorch 1.5 and earlier",
    source: "github.com/pytorch/pytorch, pull request 38246, the code it replaced",
    forward: {
      collectives: [
        { operation: "all-gather", valuesPerChannel: 0, values: 1 },
        perChannel("all-gather"),
        perChannel("all-gather"),
      ],
      extraKernels: 4,
      copiesPerRank: 3,
      hostSyncs: 1, // count_all.tolist()
      mergesRanks: true,
    },
    backward: {
      collectives: [perChannel("all-reduce"), perChannel("all-reduce")],
      extraKernels: 2, // two divisions
      copiesPerRank: 0,
      hostSyncs: 0,
      mergesRanks: false,
    },
  },
  {
    ...processGroup,
    name: "apex",
    title: "NVIDIA Apex, its CUDA kernels, before 2025",
    source: "github.com/NVIDIA/apex, apex/parallel/optimized_sync_batchnorm_kernel.py at e13873de",
    forward: { ...batchedForward, copiesPerRank: 1 },
    backward: batchedBackward,
    gradients: { firstBucketBytes: 40e6, bucketBytes: 40e6, overlapsBackward: true }, // message_size 10^7 floats
  },
  {
    ...processGroup,
    name: "detectron2",
    title: "detectron2 NaiveSyncBatchNorm",
    source: "github.com/facebookresearch/detectron2, layers/batch_norm.py; fvcore/nn/distributed.py",
    // Mean and mean square by elementwise operations, no fused kernels.
    forward: {
      collectives: [{ operation: "all-gather", valuesPerChannel: 2, values: 0 }],
      extraKernels: 14,
      copiesPerRank: 1,
      hostSyncs: 0,
      mergesRanks: false,
    },
    backward: { ...batchedBackward, extraKernels: 14 },
    groups: "world",
  },
];
