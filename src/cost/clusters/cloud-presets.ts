import type { Cluster } from "../cluster.ts";

/** Instances of public clouds; sources are the providers' documentation of the instance type. */
export const cloudPresets: readonly Cluster[] = [
  // aws.amazon.com/ec2/instance-types/p3: 8 V100, 100 Gb/s EFA without GPUDirect, Xeon 8175M.
  {
    name: "aws-p3dn",
    gpu: "v100",
    gpusPerNode: 8,
    intra: "nvlink",
    inter: { kind: "efa", nicsPerNode: 1, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "intel",
  },
  // aws.amazon.com/ec2/instance-types/p4: 8 A100, 4 x 100 Gb/s EFA, Xeon 8275CL.
  {
    name: "aws-p4d",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "efa", nicsPerNode: 4, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "intel",
  },
  // aws.amazon.com/ec2/instance-types/p5: 8 H100, 32 x 100 Gb/s EFA, EPYC 7R13.
  {
    name: "aws-p5",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "efa", nicsPerNode: 32, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "amd",
  },
  // cloud.google.com/compute/docs/gpus: A3 High, 8 H100, 4 x 200 Gb/s GPUDirect-TCPX.
  {
    name: "gcp-a3-high",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "tcpx", nicsPerNode: 4, bandwidthBytesPerSecond: 25e9 },
    cpu: "intel",
  },
  // cloud.google.com/compute/docs/gpus: A3 Mega, 8 H100, 8 x 200 Gb/s GPUDirect-TCPXO.
  {
    name: "gcp-a3-mega",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "tcpxo", nicsPerNode: 8, bandwidthBytesPerSecond: 25e9 },
    cpu: "intel",
  },
  // cloud.google.com/compute/docs/gpus: A3 Ultra, 8 H200, 8 x 400 Gb/s RoCE.
  {
    name: "gcp-a3-ultra",
    gpu: "h200",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "roce", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // cloud.google.com/compute/docs/gpus: A4, 8 B200, 8 x 400 Gb/s RoCE.
  {
    name: "gcp-a4",
    gpu: "b200",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "roce", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // learn.microsoft.com, ND A100 v4 series: 8 A100, 8 x 200 Gb/s HDR, EPYC 7V12.
  {
    name: "azure-nd-a100",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-hdr", nicsPerNode: 8, bandwidthBytesPerSecond: 25e9 },
    cpu: "amd",
  },
  // learn.microsoft.com, ND H100 v5 series: 8 H100, 8 x 400 Gb/s NDR, Xeon 8480C.
  {
    name: "azure-nd-h100",
    gpu: "h100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "ib-ndr", nicsPerNode: 8, bandwidthBytesPerSecond: 50e9 },
    cpu: "intel",
  },
  // docs.oracle.com, BM.GPU4.8: 8 A100, 16 x 100 Gb/s RoCE, EPYC 7542.
  {
    name: "oci-gpu4",
    gpu: "a100",
    gpusPerNode: 8,
    intra: "nvswitch",
    inter: { kind: "roce", nicsPerNode: 16, bandwidthBytesPerSecond: 12.5e9 },
    cpu: "amd",
  },
];
