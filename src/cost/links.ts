import { assert } from "../assert.ts";
import type { Cluster, InterKind, IntraLink } from "./cluster.ts";

/** One message over a link takes latencySeconds + bytes / bandwidthBytesPerSecond. */
export interface Link {
  readonly latencySeconds: number;
  /** One direction of one rank's port. */
  readonly bandwidthBytesPerSecond: number;
}

/** The links that a rank has to ranks on its own node and on others. */
export interface LinkConstants {
  readonly intra: Link;
  readonly inter: Link;
}

/**
 * NVLink of one GPU, all its links, one direction, bytes per second; vendor pages print both directions.
 * Source: NVIDIA data sheets of the SXM boards: V100 6 x 25 GB/s, A100 12 x 25, H100 and H200 18 x 25,
 * B200 18 x 50.
 */
const nvlinkBandwidth: Readonly<Record<string, number>> = {
  v100: 150e9,
  a100: 300e9,
  h100: 450e9,
  h200: 450e9,
  b200: 900e9,
};

/** Names that `Cluster.gpu` may have. */
export const knownGpus: readonly string[] = Object.keys(nvlinkBandwidth);

/** PCIe x16, one direction, as NCCL assumes it: width times speed class (NCCL src/graph/topo.h, xml.cc). */
const pcieBandwidth: Readonly<Record<Exclude<IntraLink, "nvlink" | "nvswitch">, number>> = {
  pcie3: 12e9,
  pcie4: 24e9,
  pcie5: 48e9,
};

/** Seconds per step of NCCL's LL protocol (NCCL v2.30.7, src/graph/tuning.cc, hardware latencies). */
const nvlinkLatencySeconds = 0.6e-6;
const pcieLatencySeconds = 1.0e-6;

/**
 * Seconds per step between nodes.
 *
 * InfiniBand: NCCL's constant for a tree step in the LL protocol (NCCL v2.30.7, src/graph/tuning.cc).
 * Others are steps solved for from published nccl-tests runs, less NCCL's constants for launch and
 * NVLink, so they hold the site's excess: roce, 2 nodes of 1 B200 (github.com/google/dranet,
 * nvidia-dranet.md); slingshot-11, Polaris with NCCL 2.21 (github.com/argonne-lcf/alcf-nccl-tests);
 * efa, AWS p3dn without GPUDirect in 2020 (gist.github.com/jacobkahn); tcpxo, GCP A3 Mega
 * (github.com/lessizzmore/create-a3mega-ztan-fork); tcp, 2 nodes on 10 Gb/s Ethernet.
 */
const interLatencySeconds: Readonly<Record<InterKind, number>> = {
  "ib-edr": 5.0e-6,
  "ib-hdr": 5.0e-6,
  "ib-ndr": 5.0e-6,
  roce: 7.5e-6,
  "slingshot-11": 4.5e-6,
  efa: 24e-6,
  tcpxo: 54e-6,
  tcp: 42e-6,
};

/**
 * Start-up and bandwidth of a cluster's links, for the plain α-β clock, not for NCCL's tuner.
 *
 * Inside a node a rank has all of its GPU's links, whoever its peer is: an upper bound where GPUs are
 * wired in pairs. Between nodes it has an equal share of the node's network cards, however few ranks
 * of the node are sending.
 *
 * @throws AssertionError if the GPU is none of `knownGpus`; the scenario is to refuse it before.
 */
export function linkConstants({ gpu, gpusPerNode, intra, inter }: Cluster): LinkConstants {
  const bandwidth = nvlinkBandwidth[gpu];
  assert(bandwidth !== undefined, `gpu ${gpu} is not one of ${knownGpus.join(", ")}`);
  const isNvlink = intra === "nvlink" || intra === "nvswitch";
  return {
    intra: isNvlink
      ? { latencySeconds: nvlinkLatencySeconds, bandwidthBytesPerSecond: bandwidth }
      : { latencySeconds: pcieLatencySeconds, bandwidthBytesPerSecond: pcieBandwidth[intra] },
    inter: {
      latencySeconds: inter.stepLatencySeconds ?? interLatencySeconds[inter.kind],
      bandwidthBytesPerSecond: (inter.nicsPerNode * inter.bandwidthBytesPerSecond) / gpusPerNode,
    },
  };
}
