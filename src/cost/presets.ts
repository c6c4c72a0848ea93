import type { Cluster } from "./cluster.ts";

/** Clusters that a scenario may name; sources are the vendor's user guides. */
export const clusterPresets: Readonly<Record<string, Cluster>> = {
  // NVIDIA DGX-1 with V100 user guide: 8 GPUs, hybrid cube mesh, 4 x 100 Gb/s EDR.
  "dgx-1-v100": {
    name: "dgx-1-v100",
    gpu: "v100",
    gpusPerNode: 8,
    intra: "nvlink",
    inter: { kind: "ib-edr", nicsPerNode: 4, bandwidthBytesPerSecond: 12.5e9 },
  },
  // NVIDIA DGX A100 user guide: 8 GPUs, 6 NVSwitches, 8 x 200 Gb/s HDR for compute.
  "dgx-a100": {
    name: "dgx-a100",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-hdr", nicsPerNode: 8, bandwidthBytesPerSecond: 25e9 },
  },
  // NVIDIA DGX H100 user guide: 8 GPUs, 4 NVSwitches, 8 x 400 Gb/s NDR for compute.
  "dgx-h100": {
    name: "dgx-h100",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
  },
};
