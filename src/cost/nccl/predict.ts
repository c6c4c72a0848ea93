import { assert } from "../../assert.ts";
import { isTpu } from "../clusters/gpus.ts";
import { anatomyOf } from "./anatomy.ts";
import { bandOf } from "./band.ts";
import { correctedSeconds } from "./correction.ts";
import { correctionConstants } from "./correction-constants.ts";
import { communicatorGroup } from "./group.ts";
import type { CollectiveOperation, CollectiveRequest } from "./request.ts";
import { torusSeconds } from "./torus.ts";
import { choose } from "./tuner.ts";

/** How long one collective takes, by NCCL's own model and corrected by measurements. */
export interface CollectivePrediction {
  readonly seconds: number;
  /** 80 % band: one in ten is faster, one in ten slower. */
  readonly lowSeconds: number;
  readonly highSeconds: number;
  /** By NCCL's own model, which is made to rank algorithms. */
  readonly uncorrectedSeconds: number;
  readonly algorithm: string;
  readonly protocol: string;
  /** bytes / seconds. */
  readonly algorithmBandwidth: number;
  /** Bytes per second that every link would see on a ring, as nccl-tests defines it. */
  readonly busBandwidth: number;
  /** What the prediction does not cover, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Predict one collective.
 *
 * @throws AssertionError on counts that are not whole or not positive, and on more ranks than a node has GPUs.
 */
export function predictCollective(request: CollectiveRequest): CollectivePrediction {
  const { cluster, operation, nodes, gpusPerNode, bytes } = request;
  assert(Number.isInteger(nodes) && nodes >= 1, `nodes must be a whole number above 0, got ${nodes}`);
  const isSound = Number.isInteger(gpusPerNode) && gpusPerNode >= 1 && gpusPerNode <= cluster.gpusPerNode;
  assert(isSound, `gpusPerNode must be 1 to ${cluster.gpusPerNode}, got ${gpusPerNode}`);
  assert(bytes > 0, `bytes must be above 0, got ${bytes}`);
  const ranks = nodes * gpusPerNode;
  if (ranks === 1)
    return prediction(request, { seconds: 0, uncorrectedSeconds: 0, low: 1, high: 1 }, "none", "none", []);
  if (isTpu(cluster.gpu)) {
    const seconds = torusSeconds(request);
    const band = { seconds, uncorrectedSeconds: seconds, low: 1 / 2, high: 2 };
    return prediction(request, band, "torus", "ICI", [
      "No measurement of a TPU was used: the band is a guess.",
    ]);
  }
  const group = communicatorGroup(cluster, nodes, gpusPerNode, request.ncclVersion);
  const choice = choose(group, request);
  const seconds = correctedSeconds(anatomyOf(group, operation, choice, bytes), correctionConstants);
  const { low, high, notes } = bandOf(group, operation, bytes);
  const corrected = { seconds, uncorrectedSeconds: choice.seconds, low, high };
  return prediction(request, corrected, choice.algorithm, choice.protocol, notes);
}

interface Corrected {
  readonly seconds: number;
  readonly uncorrectedSeconds: number;
  /** Factors on the seconds. */
  readonly low: number;
  readonly high: number;
}

function prediction(
  { operation, nodes, gpusPerNode, bytes }: CollectiveRequest,
  { seconds, uncorrectedSeconds, low, high }: Corrected,
  algorithm: string,
  protocol: string,
  notes: readonly string[],
): CollectivePrediction {
  const algorithmBandwidth = seconds === 0 ? 0 : bytes / seconds;
  return {
    seconds,
    lowSeconds: seconds * low,
    highSeconds: seconds * high,
    uncorrectedSeconds,
    algorithm,
    protocol,
    algorithmBandwidth,
    busBandwidth: algorithmBandwidth * busFactor(operation, nodes * gpusPerNode),
    notes,
  };
}

/** Bus over algorithm bandwidth (github.com/NVIDIA/nccl-tests, doc/PERFORMANCE.md). */
export function busFactor(operation: CollectiveOperation, ranks: number): number {
  if (operation === "broadcast") return 1;
  return ((operation === "all-reduce" ? 2 : 1) * (ranks - 1)) / ranks;
}
