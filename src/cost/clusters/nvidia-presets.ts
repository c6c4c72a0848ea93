import type { Cluster } from "../cluster.ts";

/** GPU servers as NVIDIA and others sell them; sources are the vendors' user guides. */
export const nvidiaPresets: readonly Cluster[] = [
  // NVIDIA DGX-1 with V100 user guide: 8 GPUs, hybrid cube mesh, 4 x 100 Gb/s EDR.
  {
    name: "dgx-1-v100",
    gpu: "v100",
    gpusPerNode: 8,
    intra: "nvlink",
    inter: { kind: "ib-edr", nicsPerNode: 4, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "intel",
  },
  // NVIDIA DGX A100 user guide: 8 GPUs, 6 NVSwitches, 8 x 200 Gb/s HDR for compute, 2 AMD EPYC 7742.
  {
    name: "dgx-a100",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-hdr", nicsPerNode: 8, bandwidthBytesPerSecond: 25e9 },
    cpu: "amd",
  },
  // NVIDIA DGX H100 user guide: 8 GPUs, 4 NVSwitches, 8 x 400 Gb/s NDR for compute, 2 Xeon 8480C.
  {
    name: "dgx-h100",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // NVIDIA DGX H200 user guide: as DGX H100, with H200.
  {
    name: "hgx-h200",
    gpu: "h200",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // NVIDIA DGX B200 user guide: 8 GPUs, 2 NVSwitches, 8 x 400 Gb/s NDR, 2 Xeon 8570.
  {
    name: "dgx-b200",
    gpu: "b200",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // NVIDIA GB200 NVL72 data sheet: 72 GPUs in one NVLink domain, 400 Gb/s each; Grace CPUs.
  {
    name: "gb200-nvl72",
    gpu: "gb200",
    gpusPerNode: 72,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 72, bandwidthBytesPerSecond: 50e9 },
    cpu: "other",
  },
  // PCIe servers differ: this one has 4 GPUs and 1 x 200 Gb/s HDR (NVIDIA A100 PCIe product brief: PCIe 4.0 x16).
  {
    name: "a100-pcie",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "pcie4",
    inter: { kind: "ib-hdr", nicsPerNode: 1, bandwidthBytesPerSecond: 25e9 },
    cpu: "intel",
  },
  // NVIDIA OVX with L40S reference: 4 GPUs, PCIe 4.0 x16, 2 x 200 Gb/s.
  {
    name: "l40s",
    gpu: "l40s",
    gpusPerNode: 4,
    intra: "pcie4",
    inter: { kind: "roce", nicsPerNode: 2, bandwidthBytesPerSecond: 25e9 },
    cpu: "intel",
  },
  // A workstation board: 8 RTX 4090, PCIe 4.0 x16, 1 x 25 Gb/s Ethernet.
  {
    name: "rtx-4090",
    gpu: "rtx4090",
    gpusPerNode: 8,
    intra: "pcie4",
    inter: { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 3.125e9 },
    cpu: "amd",
  },
  // Plain Ethernet below 4 A100 on PCIe: NCCL's sockets over one card of that speed.
  {
    name: "ethernet-10g",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "pcie4",
    inter: { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 1.25e9 },
    cpu: "intel",
  },
  {
    name: "ethernet-25g",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "pcie4",
    inter: { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 3.125e9 },
    cpu: "intel",
  },
  {
    name: "ethernet-100g",
    gpu: "a100",
    gpusPerNode: 4,
    intra: "pcie4",
    inter: { kind: "tcp", nicsPerNode: 1, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "intel",
  },
];
