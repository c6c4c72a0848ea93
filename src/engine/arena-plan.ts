import type { Extent } from "../kernels/index-sets.ts";
import { descriptionBytes } from "../kernels/wasm.ts";
import { bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import { dataParallelGroups, type Group, groupsOf, worldOf } from "../normalizers/group.ts";
import type { CollectiveShape } from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { setArrays } from "../normalizers/slice-view.ts";
import { setCountOf, slicesOf } from "../normalizers/slices.ts";
import { type Layout, layoutOf, layoutsOf, shardOf } from "../scenario/mesh.ts";
import type { Catalogue } from "./catalogue.ts";
import { controlBytes } from "./control.ts";
import { foldBytes } from "./fold-program.ts";
import { bytesPerElement, elementCount, type Held, isIn } from "./held.ts";
import { slotBytesOf, slotsPerRank } from "./party.ts";
import type { RankBlock } from "./placement.ts";
import { wireArrayBytes } from "./wire-array.ts";
import type { Workload } from "./workload.ts";

/** Different index sets one thread may describe to the kernels: per rank, two per normaliser (slices) and two per layout. */
const setsPerRank = (normalizers: number, layouts: number): number => 2 * (normalizers + layouts);

/** mean, m2, sumDy, sumDyXmu of the whole batch. */
const wholeArrayCount = 4;

const alignment = 64;
/** Low addresses belong to the compiled kernels. */
const reservedBytes = 1024;

/** What one rank holds in one layout: byte offsets, and how much there is. */
interface ShardOffsets {
  /** Of each of x, dy, y and dx. */
  readonly elements: number;
  readonly tokens: number;
  readonly x: number;
  readonly dy: number;
  readonly y: number;
  readonly dx: number;
  readonly mask: number;
  readonly doubles: number;
}

/** Byte offsets of one rank's arrays. */
interface RankOffsets {
  readonly payload: number;
  readonly outbox: number;
  /** What it brings to small collectives of several threads. */
  readonly slots: number;
  /** In every layout of the scenario; none where a network is trained. */
  readonly shards: Partial<Record<Layout, ShardOffsets>>;
  /** What its network and its optimizer keep. */
  readonly network: number;
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
  /** Of one of a rank's slots; a multiple of a cache line. */
  readonly slotBytes: number;
  /** Per thread: where descriptions, the reference arrays, gathered payloads and sums under way are kept. */
  readonly threadAreas: readonly { descriptions: number; reference: number; landing: number; fold: number }[];
  readonly descriptionBytes: number;
  /** Those that differ, and how many ranks do them. */
  readonly collectives: readonly { readonly shape: CollectiveShape; readonly ranks: number }[];
  readonly referenceElements: number;
  readonly landingBytes: number;
}

/** Names of the per-channel arrays a rank owns besides its set statistics. */
export const channelArrays = [
  "localMean",
  "localM2",
  "localSumDy",
  "localDySquares",
  "localSumDyXmu",
  "dWeight",
  "dBias",
  "gain",
  "shift",
  "offset",
] as const;
export const comparedSums = 4;

/** Extent of what a rank holds. */
export function extentOf(workload: Workload, rank: number, layout: Layout): Extent {
  const { scenario, samples, channels, positionExtents } = workload;
  const shard = shardOf(scenario.mesh, rank, channels, positionExtents, layout);
  return { samples: samples[rank]!, channels: shard.channels, positions: shard.positions };
}

/** The most sets any normaliser of a layout has on a rank; at least one per channel, for the reference. */
export function setCountMaximum(workload: Workload, rank: number, layout: Layout): number {
  const extent = extentOf(workload, rank, layout);
  const { normalizers, mesh } = workload.scenario;
  const counts = normalizers
    .filter((spec) => layoutOf(spec) === layout)
    .map((spec) => setCountOf(slicesOf(spec, createNormalizer(spec), extent, mesh)));
  return Math.max(extent.channels, ...counts);
}

function doublesOf(workload: Workload, rank: number, layout: Layout): number {
  const { channels } = extentOf(workload, rank, layout);
  const running = 2 * channels * workload.scenario.normalizers.length;
  return (
    1 +
    channelArrays.length * channels +
    3 * comparedSums * channels +
    2 * setArrays.length * setCountMaximum(workload, rank, layout) +
    running
  );
}

/** Lay out the memory of a run: everything is placed before the first thread starts. */
export function planArena(
  workload: Workload,
  catalogue: Catalogue,
  blocks: readonly RankBlock[],
  held: Held,
): ArenaPlan {
  const { worldSize, channels, scenario } = workload;
  const bytes = bytesPerElement(workload);
  let next = reservedBytes;
  const place = (length: number): number => {
    const at = next;
    next = Math.ceil((next + length) / alignment) * alignment;
    return at;
  };
  const traffic = trafficOf(workload, catalogue, held);
  const control = place(controlBytes(worldSize, blocks.length));
  const perChannel = scenario.normalizers.length * 2 + 2;
  const whole = place(8 + (wholeArrayCount + perChannel) * channels * 8);
  const { trainingNeeds } = workload;
  // A network reads the data into memory of its own.
  const layouts = trainingNeeds === null ? layoutsOf(scenario.normalizers) : [];
  let referenceElements = 0;
  const placeShard = (rank: number, layout: Layout): ShardOffsets => {
    const extent = extentOf(workload, rank, layout);
    const isHeld = isIn(held.elements, rank);
    const elements = isHeld ? elementCount(workload, extent) : 0;
    const tokens = isHeld && workload.isMasked ? extent.samples * extent.positions : 0;
    const doubles = isIn(held.results, rank) ? doublesOf(workload, rank, layout) : 0;
    referenceElements = Math.max(referenceElements, elements);
    return {
      elements,
      tokens,
      x: place(elements * bytes),
      dy: place(elements * bytes),
      y: place(elements * bytes),
      dx: place(elements * bytes),
      mask: place(tokens),
      doubles: place(doubles * 8),
    };
  };
  const ranks = workload.samples.map((_, rank) => ({
    payload: place(traffic.payloadBytes),
    outbox: place(2 * traffic.outboxBytes[rank]!),
    slots: place(blocks.length > 1 ? slotsPerRank * traffic.slotBytes : 0),
    shards: Object.fromEntries(layouts.map((layout) => [layout, placeShard(rank, layout)])),
    network: place(trainingNeeds?.bytes[rank] ?? 0),
  }));
  const mostRanks = Math.max(...blocks.map((block) => block.count));
  const setsPerThread =
    trainingNeeds?.indexSetCount ?? mostRanks * setsPerRank(scenario.normalizers.length, layouts.length);
  const descriptions = descriptionBytes(setsPerThread);
  const threadAreas = blocks.map(() => ({
    descriptions: place(descriptions),
    reference: place(referenceElements * bytes),
    landing: place(traffic.landingBytes),
    fold: place(foldBytes),
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

/** What a normaliser calls in one pass, or one layer of it where a network is trained, in a group of several ranks. */
export function collectivesOf(workload: Workload, index: number, group: Group): readonly CollectiveShape[] {
  const { scenario, trainingNeeds } = workload;
  if (trainingNeeds !== null) return trainingNeeds.collectives[index]!;
  const spec = scenario.normalizers[index]!;
  const normalizer = createNormalizer(spec);
  const extent = extentOf(workload, group.ranks[0]!, layoutOf(spec));
  const setCount = setCountOf(slicesOf(spec, normalizer, extent, scenario.mesh));
  return normalizer.collectives(extent, { setCount, isMasked: workload.isMasked });
}

/** What the collectives of all normalisers need at most. */
function trafficOf(workload: Workload, catalogue: Catalogue, { hasFabric }: Held) {
  const outboxBytes = new Array<number>(workload.worldSize).fill(0);
  const collectives = new Map<string, ArenaPlan["collectives"][number]>();
  let payloadBytes = 0;
  let slotBytes = 0;
  let landingBytes = 0;
  const { scenario, trainingNeeds } = workload;
  const { normalizers, mesh, cluster } = scenario;
  const add = (group: Group, shapes: readonly CollectiveShape[]): number => {
    let gathered = 0;
    for (const shape of shapes) {
      const format = shape.format ?? workload.payload;
      payloadBytes = Math.max(payloadBytes, wireArrayBytes(format, shape.values));
      if (!hasFabric) continue;
      const { operation, values, valuesPerElement } = shape;
      const key = [operation, values, valuesPerElement, group.ranks.length].join();
      collectives.set(key, { shape, ranks: group.ranks.length });
      const { outboxes, schedule } = catalogue.plan(shape, group.ranks.length);
      slotBytes = Math.max(slotBytes, slotBytesOf(schedule));
      if (shape.operation === "all-gather")
        gathered += wireArrayBytes(format, shape.values * group.ranks.length);
      for (const [index, rank] of group.ranks.entries()) {
        const values = outboxes.capacities[index]! * shape.valuesPerElement;
        outboxBytes[rank] = Math.max(outboxBytes[rank]!, wireArrayBytes(format, values));
      }
    }
    return gathered;
  };
  for (const [index, spec] of normalizers.entries()) {
    let gathered = 0;
    for (const group of groupsOf(spec, mesh, cluster.gpusPerNode)) {
      if (group.ranks.length === 1) continue;
      gathered += add(group, collectivesOf(workload, index, group));
    }
    landingBytes = Math.max(landingBytes, gathered);
    const exchange = bufferExchangeOf(spec);
    if (exchange === null) continue;
    for (const group of dataParallelGroups(mesh)) {
      const { channels } = extentOf(workload, group.ranks[0]!, "sharded");
      add(group, [exchange.collective(channels, workload.storage)]);
    }
  }
  if (trainingNeeds !== null && workload.worldSize > 1)
    add(worldOf(workload.worldSize), [trainingNeeds.gradients]);
  return { outboxBytes, payloadBytes, slotBytes, landingBytes, collectives: [...collectives.values()] };
}
