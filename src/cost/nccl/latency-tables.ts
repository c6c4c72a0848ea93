import type { Protocol } from "./request.ts";

/** Microseconds for LL, LL128 and Simple, in NCCL's own unit. */
export type PerProtocol = Readonly<Record<Protocol, number>>;

/** Latencies of tree and ring, base or per step. */
interface TreeAndRing {
  readonly tree: PerProtocol;
  readonly ring: PerProtocol;
}

/** NCCL's latency constants of one version. */
export interface LatencyTables {
  readonly base: TreeAndRing;
  readonly nvlink: TreeAndRing;
  readonly pcie: TreeAndRing;
  readonly network: TreeAndRing;
  /** Microseconds; NVLS has no base latency. */
  readonly nvlsIntra: number;
  readonly nvlsNetwork: number;
  readonly nvlsTreeNetwork: number;
}

const row = (LL: number, LL128: number, Simple: number): PerProtocol => ({ LL, LL128, Simple });

const newest: LatencyTables = {
  base: { tree: row(6.8, 14, 8.4), ring: row(6.6, 14, 8.4) },
  nvlink: { tree: row(0.6, 1.25, 4), ring: row(0.6, 1.9, 3.4) },
  pcie: { tree: row(1, 1.9, 4), ring: row(1, 2.5, 5.7) },
  network: { tree: row(5, 8.5, 14), ring: row(2.7, 4, 14) },
  nvlsIntra: 25,
  nvlsNetwork: 18,
  nvlsTreeNetwork: 20.9,
};
const since2023: LatencyTables = { ...newest, nvlsTreeNetwork: 14 };

/** 2.19 to 2.22, and 2.17 to 2.18 but for the Simple tree. */
function until22(minor: number): LatencyTables {
  const [nvlink, pcie, network] = minor <= 18 ? [4, 6, 14] : [28, 28, 28];
  return {
    ...since2023,
    base: { tree: row(6.8, 14, 0), ring: row(6.6, 14, 8.4) },
    nvlink: { tree: row(0.6, 1.25, nvlink), ring: row(0.6, 1.9, 3.4) },
    pcie: { tree: row(1, 1.9, pcie), ring: row(1, 2.5, 5.7) },
    network: { tree: row(5, 8.5, network), ring: row(2.7, 4, 14) },
    nvlsIntra: minor <= 21 ? 23 : 25,
  };
}

function until16(minor: number): LatencyTables {
  const ringSimple = minor === 12 || minor === 13 ? 28 : 9.6;
  return {
    ...since2023,
    base: { tree: row(4.4, 4.4, 0), ring: row(3.6, 10, 8.4) },
    nvlink: { tree: row(0.52, minor <= 7 ? 1.2 : 1.25, 28), ring: row(0.47, 1.9, 3.4) },
    pcie: { tree: row(1, 1.9, 28), ring: row(1, 2.5, 5.7) },
    network: { tree: row(5, 8.5, minor <= 7 ? 50 : 28), ring: row(2.7, 4, ringSimple) },
  };
}

const until5: LatencyTables = {
  ...since2023,
  base: { tree: row(4.4, 4.4, 0), ring: row(3.6, 3.6, 8.4) },
  nvlink: { tree: row(0.5, 1.9, 28), ring: row(0.4, 2.5, 5.7) },
  pcie: { tree: row(1, 1.9, 28), ring: row(1, 2.5, 5.7) },
  network: { tree: row(5, 7.5, 50), ring: row(0.9, 2.5, 6.6) },
};

const byVersion: readonly LatencyTables[] = Array.from({ length: 31 }, (_, minor) => {
  if (minor <= 6) return until5;
  if (minor <= 16) return until16(minor);
  if (minor <= 22) return until22(minor);
  return minor <= 27 ? since2023 : newest;
});

/**
 * NCCL's latency constants of version 2.`minor`.
 *
 * Source: src/graph/tuning.cc (src/graph/tuning.cu before 2.5) of the NCCL releases. 2.6 takes those of 2.5.
 */
export function latencyTables(minor: number): LatencyTables {
  return byVersion[minor]!;
}
