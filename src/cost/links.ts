import { assert } from "../assert.ts";
import type { Cluster, InterKind, IntraLink } from "./cluster.ts";
import { gpuOf, knownGpus } from "./clusters/gpus.ts";

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

/** PCIe x16, one direction, as NCCL assumes it: width times speed class (NCCL src/graph/topo.h, xml.cc). */
const pcieBandwidth: Readonly<Record<"pcie3" | "pcie4" | "pcie5", number>> = {
  pcie3: 12e9,
  pcie4: 24e9,
  pcie5: 48e9,
};

/**
 * Seconds per step of NCCL's LL protocol (NCCL v2.30.7, src/graph/tuning.cc, hardware latencies); a hop
 * between TPU chips as jax-ml.github.io/scaling-book/tpus assumes it.
 */
const intraLatencySeconds: Readonly<Record<IntraLink, number>> = {
  nvlink: 0.6e-6,
  nvswitch: 0.6e-6,
  pcie3: 1.0e-6,
  pcie4: 1.0e-6,
  pcie5: 1.0e-6,
  ici: 1.0e-6,
};

/**
 * Seconds per step between nodes.
 *
 * InfiniBand: NCCL's constant for a tree step in the LL protocol (NCCL v2.30.7, src/graph/tuning.cc).
 * Others are steps solved for from published nccl-tests runs, less NCCL's constants for launch and
 * NVLink, so they hold the site's excess: roce, 2 nodes of 1 B200 (github.com/google/dranet,
 * nvidia-dranet.md); slingshot-11, Polaris with NCCL 2.21 (github.com/argonne-lcf/alcf-nccl-tests);
 * efa, AWS p3dn without GPUDirect in 2020 (gist.github.com/jacobkahn); tcpxo, GCP A3 Mega
 * (github.com/lessizzmore/create-a3mega-ztan-fork), which also stands for tcpx, its predecessor; tcp, 2 nodes
 * on 10 Gb/s Ethernet. ici: as inside a host.
 */
const interLatencySeconds: Readonly<Record<InterKind, number>> = {
  "ib-edr": 5.0e-6,
  "ib-hdr": 5.0e-6,
  "ib-ndr": 5.0e-6,
  roce: 7.5e-6,
  "slingshot-11": 4.5e-6,
  efa: 24e-6,
  tcpx: 54e-6,
  tcpxo: 54e-6,
  tcp: 42e-6,
  ici: 1.0e-6,
};

/**
 * Start-up and bandwidth of a cluster's links, for the plain α-β clock, not for NCCL's tuner.
 *
 * Inside a node a rank has all of its GPU's links, whoever its peer is: an upper bound where GPUs are
 * wired in pairs. Between nodes it has an equal share of the node's network cards, however few ranks
 * of the node are sending. A TPU chip has one link of its torus: a ring of neighbours uses no other.
 *
 * @throws AssertionError if the GPU is none of `knownGpus`; the scenario is to refuse it before.
 */
export function linkConstants({ gpu, gpusPerNode, intra, inter }: Cluster): LinkConstants {
  const known = gpuOf(gpu);
  assert(known !== undefined, `gpu ${gpu} is not one of ${knownGpus.join(", ")}`);
  const isPcie = intra === "pcie3" || intra === "pcie4" || intra === "pcie5";
  return {
    intra: {
      latencySeconds: intraLatencySeconds[intra],
      bandwidthBytesPerSecond: isPcie ? pcieBandwidth[intra] : known.linkBandwidthBytesPerSecond,
    },
    inter: {
      latencySeconds: inter.stepLatencySeconds ?? interLatencySeconds[inter.kind],
      bandwidthBytesPerSecond: (inter.nicsPerNode * inter.bandwidthBytesPerSecond) / gpusPerNode,
    },
  };
}
