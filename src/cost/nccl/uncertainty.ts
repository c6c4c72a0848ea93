import type { Cluster } from "../cluster.ts";

/** Where bytes travel: what an error depends on most. */
export const settings = [
  "one node, NVLink",
  "several nodes, RDMA",
  "several nodes, software transport",
  "PCIe",
] as const;
export type Setting = (typeof settings)[number];

/** Largest size of each class but the last, bytes. */
export const sizeLimits: readonly number[] = [32 * 1024, 1024 * 1024, 32 * 1024 * 1024];

/** Factors on a prediction: the 80 % band. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** Bands by setting, then by size class. */
export type Bands = Readonly<Record<Setting, readonly Band[]>>;

/** How far predictions are off for what they were not fitted to, by family of measured rows; shares. */
export interface LeftOutErrors {
  readonly family: string;
  readonly rows: number;
  /** Median |error| where every run of the row's site was left out of the fit ... */
  readonly withoutSite: number;
  /** ... only those of the site's same cluster ... */
  readonly withoutCluster: number;
  /** ... none. */
  readonly fitted: number;
  /** Share of rows inside the 80 % band, fit and band made without the row's site. */
  readonly coverage: number;
}

const rdma: ReadonlySet<string> = new Set(["ib-edr", "ib-hdr", "ib-ndr", "roce", "slingshot-11"]);

/** The setting of a communicator. */
export function settingOf({ intra, inter }: Cluster, nodes: number): Setting {
  const isNvlink = intra === "nvlink" || intra === "nvswitch";
  if (nodes > 1 && !rdma.has(inter.kind)) return "several nodes, software transport";
  if (!isNvlink) return "PCIe";
  return nodes === 1 ? "one node, NVLink" : "several nodes, RDMA";
}

/** Index of the size class. */
export function sizeClass(bytes: number): number {
  const index = sizeLimits.findIndex((limit) => bytes <= limit);
  return index === -1 ? sizeLimits.length : index;
}
