import type { Extent } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { KernelMemory } from "../kernels/wasm.ts";
import type { SetStatistics } from "../normalizers/operator.ts";
import { createStatistics } from "../normalizers/slice-view.ts";
import { type Layout, shardOf } from "../scenario/mesh.ts";
import { type ArenaPlan, channelArrays, comparedSums, extentOf, setCountMaximum } from "./arena-plan.ts";
import { Control, controlBytes } from "./control.ts";
import { bytesPerElement } from "./held.ts";
import type { Workload } from "./workload.ts";

/** Per-channel arrays of the whole batch, and the constants of every normaliser. */
export interface WholeViews {
  /** One element: valid tokens of the whole batch. */
  readonly count: Float64Array;
  readonly mean: Float64Array;
  readonly m2: Float64Array;
  readonly sumDy: Float64Array;
  readonly sumDyXmu: Float64Array;
  readonly ones: Float64Array;
  readonly zeros: Float64Array;
  /** Per normaliser. */
  readonly weight: readonly Float64Array[];
  readonly bias: readonly Float64Array[];
}

/** One rank's arrays, as views of the shared memory. */
export interface RankViews {
  readonly layout: Layout;
  readonly extent: Extent;
  /** Of the whole batch's channels. */
  readonly firstChannel: number;
  /** Of the positions of its samples. */
  readonly firstPosition: number;
  readonly x: FloatArray;
  readonly dy: FloatArray;
  readonly y: FloatArray;
  readonly dx: FloatArray;
  readonly mask: Uint8Array | null;
  /** Room for what collectives send. */
  readonly payload: Uint8Array;
  /** One element: valid tokens of this rank. */
  readonly localCount: Float64Array;
  readonly localMean: Float64Array;
  readonly localM2: Float64Array;
  readonly localSumDy: Float64Array;
  /** Σ dy². */
  readonly localDySquares: Float64Array;
  readonly localSumDyXmu: Float64Array;
  readonly dWeight: Float64Array;
  readonly dBias: Float64Array;
  /** See RankView. */
  readonly gain: Float64Array;
  readonly shift: Float64Array;
  readonly offset: Float64Array;
  /** [Σ(a − b)² | Σab | Σa² | Σb²] per channel: y against the whole batch's y. */
  readonly comparedY: Float64Array;
  /** The same for dx. */
  readonly comparedDx: Float64Array;
  /** Likewise: y against y in evaluation mode, if there is to be an evaluation. */
  readonly comparedEvaluation: Float64Array;
  /** What the normaliser used; arrays are as long as the most sets of any normaliser. */
  readonly used: SetStatistics;
  /** What the whole batch would have given. */
  readonly reference: SetStatistics;
  /** Per normaliser, per channel. */
  readonly runningMean: readonly Float64Array[];
  readonly runningVariance: readonly Float64Array[];
}

function floatsAt({ buffer }: KernelMemory, workload: Workload, at: number, length: number): FloatArray {
  return bytesPerElement(workload) === 8
    ? new Float64Array(buffer, at, length)
    : new Float32Array(buffer, at, length);
}

/** Hands out consecutive float64 arrays. */
function doublesFrom(buffer: SharedArrayBuffer, start: number): (length: number) => Float64Array {
  let at = start;
  return (length) => {
    const view = new Float64Array(buffer, at, length);
    at += length * 8;
    return view;
  };
}

export function wholeViews(memory: KernelMemory, plan: ArenaPlan, workload: Workload): WholeViews {
  const take = doublesFrom(memory.buffer, plan.whole);
  const { channels } = workload;
  const perNormalizer = (): Float64Array[] => workload.scenario.normalizers.map(() => take(channels));
  return {
    count: take(1),
    mean: take(channels),
    m2: take(channels),
    sumDy: take(channels),
    sumDyXmu: take(channels),
    ones: take(channels),
    zeros: take(channels),
    weight: perNormalizer(),
    bias: perNormalizer(),
  };
}

/** The channels of the whole batch that a rank holds. */
export function channelsOfRank(
  whole: WholeViews,
  { firstChannel, extent }: Pick<RankViews, "firstChannel" | "extent">,
): WholeViews {
  const own = (all: Float64Array): Float64Array => all.subarray(firstChannel, firstChannel + extent.channels);
  return {
    count: whole.count,
    mean: own(whole.mean),
    m2: own(whole.m2),
    sumDy: own(whole.sumDy),
    sumDyXmu: own(whole.sumDyXmu),
    ones: own(whole.ones),
    zeros: own(whole.zeros),
    weight: whole.weight.map(own),
    bias: whole.bias.map(own),
  };
}

/** The views of one rank in one layout; building them allocates nothing in the arena. */
export function rankViews(
  memory: KernelMemory,
  plan: ArenaPlan,
  workload: Workload,
  rank: number,
  layout: Layout,
): RankViews {
  const extent = extentOf(workload, rank, layout);
  const { shards } = plan.ranks[rank]!;
  const offsets = shards[layout]!;
  const { elements, tokens } = offsets;
  const floats = (at: number, length: number): FloatArray => floatsAt(memory, workload, at, length);
  const take = doublesFrom(memory.buffer, offsets.doubles);
  const { channels } = extent;
  const { scenario, positionExtents } = workload;
  const { firstChannel, firstPosition } = shardOf(
    scenario.mesh,
    rank,
    workload.channels,
    positionExtents,
    layout,
  );
  const setCount = setCountMaximum(workload, rank, layout);
  const localCount = take(1);
  const perChannel = Object.fromEntries(channelArrays.map((name) => [name, take(channels)])) as Record<
    (typeof channelArrays)[number],
    Float64Array
  >;
  const perNormalizer = (): Float64Array[] => workload.scenario.normalizers.map(() => take(channels));
  return {
    layout,
    extent,
    firstChannel,
    firstPosition,
    x: floats(offsets.x, elements),
    dy: floats(offsets.dy, elements),
    y: floats(offsets.y, elements),
    dx: floats(offsets.dx, elements),
    mask: workload.isMasked ? new Uint8Array(memory.buffer, offsets.mask, tokens) : null,
    payload: payloadView(memory, plan, rank),
    localCount,
    ...perChannel,
    comparedY: take(comparedSums * channels),
    comparedDx: take(comparedSums * channels),
    comparedEvaluation: take(comparedSums * channels),
    used: createStatistics(take, setCount),
    reference: createStatistics(take, setCount),
    runningMean: perNormalizer(),
    runningVariance: perNormalizer(),
  };
}

/** Room for what a rank contributes to a collective. */
export function payloadView({ buffer }: KernelMemory, plan: ArenaPlan, rank: number): Uint8Array {
  return new Uint8Array(buffer, plan.ranks[rank]!.payload, plan.payloadBytes);
}

/** A rank's outbox: two halves. */
export function outboxView({ buffer }: KernelMemory, plan: ArenaPlan, rank: number): Uint8Array {
  return new Uint8Array(buffer, plan.ranks[rank]!.outbox, 2 * plan.outboxBytes[rank]!);
}

/** Where a thread's all-gathers land. */
export function landingView({ buffer }: KernelMemory, plan: ArenaPlan, thread: number): Uint8Array {
  return new Uint8Array(buffer, plan.threadAreas[thread]!.landing, plan.landingBytes);
}

/** A thread's room for one rank's y or dx as the whole batch would have given it. */
export function scratchView(
  memory: KernelMemory,
  plan: ArenaPlan,
  workload: Workload,
  thread: number,
): FloatArray {
  return floatsAt(memory, workload, plan.threadAreas[thread]!.reference, plan.referenceElements);
}

/** The words by which threads see each other. */
export function controlView(memory: KernelMemory, plan: ArenaPlan, { worldSize }: Workload): Control {
  const threads = plan.blocks.length;
  return new Control(
    new Int32Array(memory.buffer, plan.control, controlBytes(worldSize, threads) / 4),
    worldSize,
    threads,
  );
}
