import type { Cluster } from "../cluster.ts";

/** Machines of computing centres and TPU slices; sources beside each. */
export const centrePresets: readonly Cluster[] = [
  // docs.alcf.anl.gov/polaris: 4 A100 all to all, 2 x 200 Gb/s Slingshot-11, EPYC 7543P.
  {
    name: "polaris",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "nvlink",
    inter: { kind: "slingshot-11", nicsPerNode: 2, bandwidthBytesPerSecond: 25e9 },
    cpu: "amd",
  },
  // docs.nersc.gov/systems/perlmutter: 4 A100 all to all, 4 x 200 Gb/s Slingshot-11, EPYC 7763.
  {
    name: "perlmutter",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "nvlink",
    inter: { kind: "slingshot-11", nicsPerNode: 4, bandwidthBytesPerSecond: 25e9 },
    cpu: "amd",
  },
  // docs.abci.ai, compute node (V): 4 V100 all to all, 2 x 100 Gb/s EDR, Xeon Gold 6148.
  {
    name: "abci-v",
    gpu: "v100",
    gpusPerNode: 4,
    intra: "nvlink",
    inter: { kind: "ib-edr", nicsPerNode: 2, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "intel",
  },
  // docs.abci.ai, compute node (A): 8 A100, 4 x 200 Gb/s HDR, Xeon Platinum 8360Y.
  {
    name: "abci-a",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-hdr", nicsPerNode: 4, bandwidthBytesPerSecond: 25e9 },
    cpu: "intel",
  },
  // jax-ml.github.io/scaling-book/tpus: hosts of 4 chips in a 3D torus, 45 GB/s per link and direction.
  {
    name: "tpu-v4",
    gpu: "tpu-v4",
    gpusPerNode: 4,
    intra: "ici",
    inter: { kind: "ici", nicsPerNode: 4, bandwidthBytesPerSecond: 45e9 },
  },
  // The same source: 90 GB/s per link and direction.
  {
    name: "tpu-v5p",
    gpu: "tpu-v5p",
    gpusPerNode: 4,
    intra: "ici",
    inter: { kind: "ici", nicsPerNode: 4, bandwidthBytesPerSecond: 90e9 },
  },
];
