import type { Extent } from "../kernels/index-sets.ts";
import { descriptionBytes } from "../kernels/wasm.ts";
import { groupsOf } from "../normalizers/group.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { setCountOf, slicesOf } from "../normalizers/slices.ts";
import { shardOf } from "../scenario/mesh.ts";
import { isWide } from "../scenario/number-format.ts";
import type { Catalogue } from "./catalogue.ts";
import { controlBytes } from "./control.ts";
import type { RankBlock } from "./placement.ts";
import { wireArrayBytes } from "./wire-array.ts";
import type { Workload } from "./workload.ts";

/** Different index sets one thread may describe to the kernels: per rank, two per normaliser (slices) and two more. */
const setsPerRank = (normalizers: number): number => 2 * normalizers + 2;

/** mean, m2, sumDy, sumDyXmu of the whole batch. */
const wholeArrayCount = 4;

const alignment = 64;
/** Low addresses belong to the compiled kernels. */
const reservedBytes = 1024;

/** Byte offsets of one rank's arrays. */
interface RankOffsets {
  readonly x: number;
  readonly dy: number;
  readonly y: number;
  readonly dx: number;
  readonly mask: number;
  readonly payload: number;
  readonly outbox: number;
  readonly doubles: number;
}

/** The map of the one memory that all threads share: plain data. */
export interface ArenaPlan {
  readonly totalBytes: number;
  readonly control: number;
  /** Which ranks each thread runs. */
  readonly blocks: readonly RankBlock[];
  /** Per-channel arrays of the whole batch, which the coordinator writes between passes. */
  readonly whole: number;
  readonly ranks: readonly RankOffsets[];
  /** Per rank: bytes of one of its two outbox halves. */
  readonly outboxBytes: readonly number[];
  readonly payloadBytes: number;
  /** Per thread: where descriptions, the reference arrays and gathered payloads are kept. */
  readonly threadAreas: readonly { descriptions: number; reference: number; landing: number }[];
  readonly descriptionBytes: number;
  readonly referenceElements: number;
  readonly landingBytes: number;
}

/** Names of the per-channel arrays a rank owns besides its set statistics. */
export const channelArrays = [
  "localMean",
  "localM2",
  "localSumDy",
  "localSumDyXmu",
  "dWeight",
  "dBias",
  "gain",
  "shift",
  "offset",
] as const;
export const comparedSums = 4;

/** Names of the per-set arrays: what the normaliser used, and what the whole batch would have given. */
export const setArrays = [
  "count",
  "mean",
  "m2",
  "invStd",
  "sumG",
  "sumGXmu",
  "meanG",
  "slope",
  "scale",
] as const;

/** Extent of what a rank holds. */
export function extentOf(workload: Workload, rank: number): Extent {
  const { scenario, samples, channels, positionExtents } = workload;
  const shard = shardOf(scenario.mesh, rank, channels, positionExtents);
  return { samples: samples[rank]!, channels: shard.channels, positions: shard.positions };
}

/** The most sets any normaliser has on a rank; at least one per channel, for the reference. */
export function setCountMaximum(workload: Workload, rank: number): number {
  const counts = workload.scenario.normalizers.map((spec) =>
    setCountOf(slicesOf(spec, createNormalizer(spec), extentOf(workload, rank))),
  );
  return Math.max(extentOf(workload, rank).channels, ...counts);
}

function doublesOf(workload: Workload, rank: number): number {
  const { channels } = extentOf(workload, rank);
  const running = 2 * channels * workload.scenario.normalizers.length;
  return (
    1 +
    channelArrays.length * channels +
    2 * comparedSums * channels +
    2 * setArrays.length * setCountMaximum(workload, rank) +
    running
  );
}

/** Lay out the memory of a run: everything is placed before the first thread starts. */
export function planArena(workload: Workload, catalogue: Catalogue, blocks: readonly RankBlock[]): ArenaPlan {
  const { worldSize, channels, scenario } = workload;
  const bytes = isWide(workload.storage) ? 8 : 4;
  let next = reservedBytes;
  const place = (length: number): number => {
    const at = next;
    next = Math.ceil((next + length) / alignment) * alignment;
    return at;
  };
  const traffic = trafficOf(workload, catalogue);
  const control = place(controlBytes(worldSize, blocks.length));
  const perChannel = scenario.normalizers.length * 2 + 1;
  const whole = place(8 + (wholeArrayCount + perChannel) * channels * 8);
  const extents = workload.samples.map((_, rank) => extentOf(workload, rank));
  const elementsOf = (rank: number): number => elementCount(extents[rank]!);
  const ranks = extents.map(({ samples, positions }, rank) => ({
    x: place(elementsOf(rank) * bytes),
    dy: place(elementsOf(rank) * bytes),
    y: place(elementsOf(rank) * bytes),
    dx: place(elementsOf(rank) * bytes),
    mask: place(workload.isMasked ? samples * positions : 0),
    payload: place(traffic.payloadBytes),
    outbox: place(2 * traffic.outboxBytes[rank]!),
    doubles: place(doublesOf(workload, rank) * 8),
  }));
  const referenceElements = extents.reduce((most, extent) => Math.max(most, elementCount(extent)), 0);
  const mostRanks = Math.max(...blocks.map((block) => block.count));
  const descriptions = descriptionBytes(mostRanks * setsPerRank(scenario.normalizers.length));
  const threadAreas = blocks.map(() => ({
    descriptions: place(descriptions),
    reference: place(referenceElements * bytes),
    landing: place(traffic.landingBytes),
  }));
  return {
    ...traffic,
    totalBytes: next,
    control,
    blocks,
    whole,
    ranks,
    threadAreas,
    descriptionBytes: descriptions,
    referenceElements,
  };
}

function elementCount({ samples, channels, positions }: Extent): number {
  return samples * channels * positions;
}

/** What the collectives of all normalisers need at most. */
function trafficOf(workload: Workload, catalogue: Catalogue) {
  const outboxBytes = new Array<number>(workload.worldSize).fill(0);
  let payloadBytes = 0;
  let landingBytes = 0;
  for (const spec of workload.scenario.normalizers) {
    const normalizer = createNormalizer(spec);
    let gathered = 0;
    for (const group of groupsOf(spec, workload.scenario.mesh, workload.scenario.cluster.gpusPerNode)) {
      if (group.ranks.length === 1) continue;
      for (const shape of normalizer.collectives(extentOf(workload, group.ranks[0]!))) {
        const { outboxes } = catalogue.plan(shape, group.ranks.length);
        const format = shape.format ?? workload.payload;
        payloadBytes = Math.max(payloadBytes, wireArrayBytes(format, shape.values));
        if (shape.operation === "all-gather")
          gathered += wireArrayBytes(format, shape.values * group.ranks.length);
        for (const [index, rank] of group.ranks.entries()) {
          const values = outboxes.capacities[index]! * shape.valuesPerElement;
          outboxBytes[rank] = Math.max(outboxBytes[rank]!, wireArrayBytes(format, values));
        }
      }
    }
    landingBytes = Math.max(landingBytes, gathered);
  }
  return { outboxBytes, payloadBytes, landingBytes };
}
