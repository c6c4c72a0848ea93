/** How the GPUs of one node may reach each other; `ici` is the torus of TPU chips. */
export const intraLinks = ["nvlink", "nvswitch", "pcie3", "pcie4", "pcie5", "ici"] as const;
export type IntraLink = (typeof intraLinks)[number];

/** How nodes may reach each other. */
export const interKinds = [
  "ib-edr",
  "ib-hdr",
  "ib-ndr",
  "roce",
  "slingshot-11",
  "efa",
  "tcpx",
  "tcpxo",
  "tcp",
  "ici",
] as const;
export type InterKind = (typeof interKinds)[number];

/** Vendors whose CPUs NCCL tells apart. */
export const cpuVendors = ["intel", "amd", "other"] as const;
export type CpuVendor = (typeof cpuVendors)[number];

/** A cluster of equal nodes. */
export interface Cluster {
  readonly name: string;
  /** One of `knownGpus`. */
  readonly gpu: string;
  /** GPUs that share NVLink or PCIe: a rack of NVL72 is one node of 72. */
  readonly gpusPerNode: number;
  readonly intra: IntraLink;
  readonly inter: {
    readonly kind: InterKind;
    readonly nicsPerNode: number;
    /** One NIC, one direction. */
    readonly bandwidthBytesPerSecond: number;
    /** One message between nodes; absent: the figure of the link kind. */
    readonly stepLatencySeconds?: number;
  };
  /** Absent: `other`. */
  readonly cpu?: CpuVendor;
  /** Version of NCCL, such as `2.26`; absent: the newest that is modelled. */
  readonly nccl?: string;
  /** What a collective takes before its first step, measured here; absent: the GPU generation's figure. */
  readonly launchSeconds?: number;
}
