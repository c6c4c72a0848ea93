/** How the GPUs of one node reach each other. */
export type IntraLink = "nvlink" | "nvswitch" | "pcie3" | "pcie4" | "pcie5";

/** How nodes reach each other. */
export type InterKind = "ib-edr" | "ib-hdr" | "ib-ndr" | "roce" | "slingshot-11" | "efa" | "tcpxo" | "tcp";

/** A cluster of equal nodes. */
export interface Cluster {
  readonly name: string;
  readonly gpu: string;
  readonly gpusPerNode: number;
  readonly intra: IntraLink;
  readonly inter: {
    readonly kind: InterKind;
    readonly nicsPerNode: number;
    /** One NIC, one direction. */
    readonly bandwidthBytesPerSecond: number;
    /** One message between nodes; absent: the table of the link kind. */
    readonly stepLatencySeconds?: number;
  };
}
