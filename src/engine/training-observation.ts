import { assert } from "../assert.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import type { KernelMemory } from "../kernels/wasm.ts";
import type { Group } from "../normalizers/group.ts";
import { localMoments, type Normalizer, type SetStatistics } from "../normalizers/operator.ts";
import { createStatistics } from "../normalizers/slice-view.ts";
import { emptyMoments, type Moments, mergeMoments, momentsOf } from "../statistics/moments.ts";
import { arraysIn } from "../training/arrays.ts";
import { TrainingThread } from "../training/environment.ts";
import type { Normalization } from "../training/layers/normalization.ts";
import { unconnected } from "../training/needs.ts";
import type { Network } from "../training/network.ts";
import { Trainer } from "../training/trainer.ts";
import type { ArenaPlan } from "./arena-plan.ts";
import type { DivergenceEntries } from "./divergence-log.ts";
import { logChannelStatistics, logResidentStatistics, newDivergenceEntries } from "./divergence-log.ts";
import { logConditions } from "./numerics-log.ts";
import type { LayerDivergence, NormalizerRecord } from "./simulation.ts";
import type { Workload } from "./workload.ts";

/** The network of a rank as it lies in memory, to look at: nothing can be computed with it. */
export function networkOf(
  {
    workload,
    memory,
    plan,
  }: { readonly workload: Workload; readonly memory: KernelMemory; readonly plan: ArenaPlan },
  normalizer: number,
  rank: number,
): Network {
  const { scenario, storage } = workload;
  return new Trainer({
    ...unconnected,
    rank,
    scenario,
    training: scenario.training!,
    storage,
    normalizer: scenario.normalizers[normalizer]!,
    thread: new TrainingThread(),
    arrays: arraysIn(memory.buffer, plan.ranks[rank]!.network, storage),
  }).network;
}

/** All ranks hold one network: every update came from the same bits. NaN equals NaN. */
export function assertReplicasEqual([first, ...others]: readonly Network[]): void {
  for (const [index, other] of others.entries()) {
    for (const [at, { name, values }] of other.parameters.entries()) {
      const own = first!.parameters[at]!.values;
      const differing = values.findIndex((value, i) => !Object.is(value, own[i]));
      assert(differing === -1, `${name}[${differing}] of rank ${index + 1} is not that of rank 0`);
    }
  }
}

/**
 * Hold the statistics that every layer used in the last step against those of the whole batch at that layer, and
 * log them with the record's divergence.
 *
 * The oracle is the merge of what all ranks hold, in rank order and float64; it is no communication.
 */
export function observeLayers(
  networks: readonly Network[],
  normalizer: Normalizer,
  record: NormalizerRecord,
): LayerDivergence[] {
  return networks[0]!.normalizations.map((_, layer) => {
    const ofRank = networks.map(({ normalizations }) => normalizations[layer]!);
    const entries = newDivergenceEntries();
    if (normalizer.reduces.includes("samples")) {
      const whole = logPooled(entries, ofRank, record.groups);
      logConditions(record.numerics, whole, whole.mean.length);
      record.groupCounts = groupCountsOf(ofRank, record.groups);
    } else {
      for (const reference of logResident(entries, ofRank, normalizer))
        if (normalizer.centres) logConditions(record.numerics, reference, reference.count.length);
      record.groupCounts = [ofRank.reduce((most, { used }) => Math.max(most, ...used.count), 0)];
    }
    for (const [metric, values] of Object.entries(entries))
      record.divergence[metric as keyof DivergenceEntries].push(...values);
    return { meanGap: mean(entries.meanGap), logVarianceRatio: mean(entries.logVarianceRatio) };
  });
}

/** @returns the statistics of the whole batch. */
function logPooled(
  entries: DivergenceEntries,
  layers: readonly Normalization[],
  groups: readonly Group[],
): ReturnType<typeof wholeBatchMoments> {
  const views = layers.map(viewOf);
  const whole = wholeBatchMoments(layers);
  const setCounts = layers.map(({ used }) => used.count.length);
  logChannelStatistics(entries, groups, views, setCounts, whole);
  return whole;
}

/** Values behind the statistics of each group and slice. */
function groupCountsOf(layers: readonly Normalization[], groups: readonly Group[]): number[] {
  return groups.flatMap(({ ranks: [first] }) => {
    const { used, input } = layers[first!]!;
    return Array.from(used.count).filter((_, set) => set % input.features === 0);
  });
}

/** What each rank saw of the last step, over all layers: the mean of |m − M|/√V. */
export function observeRanks(
  networks: readonly Network[],
  normalizer: Normalizer,
): NormalizerRecord["perRank"] {
  const layers = networks[0]!.normalizations.map((_, layer) =>
    networks.map(({ normalizations }) => normalizations[layer]!),
  );
  return networks.map(({ normalizations: [first] }, rank) => {
    const entries = newDivergenceEntries();
    for (const ofRank of layers) {
      const alone = [{ index: 0, ranks: [rank] }];
      if (normalizer.reduces.includes("samples")) logPooled(entries, ofRank, alone);
      else logResident(entries, [ofRank[rank]!], normalizer);
    }
    return {
      values: first!.validTokens,
      meanGap: entries.meanGap.length === 0 ? null : mean(entries.meanGap),
      outputMse: null,
    };
  });
}

function viewOf(layer: Normalization) {
  const { used, input } = layer;
  const extent = { samples: input.tokens, channels: input.features, positions: 1 };
  return { used, extent, firstChannel: 0, localCount: Float64Array.of(layer.validTokens) };
}

/** @returns each rank's statistics in float64. */
function logResident(
  entries: DivergenceEntries,
  layers: readonly Normalization[],
  { centres }: Normalizer,
): SetStatistics[] {
  return layers.map(({ used, input, mask, slices }) => {
    const reference = createStatistics((length) => new Float64Array(length), used.count.length);
    localMoments({
      kernels: scalarKernels,
      input: { x: input.values, mask },
      sets: slices[0]!.sets,
      statistics: reference,
      centres,
    });
    logResidentStatistics(entries, { used, reference }, used.count.length);
    return reference;
  });
}

/** Moments of every channel over the valid tokens of all ranks. */
function wholeBatchMoments(layers: readonly Normalization[]) {
  const { features } = layers[0]!.input;
  const pooled = new Array<Moments>(features).fill(emptyMoments);
  for (const { input, mask } of layers) {
    for (let c = 0; c < features; c++) {
      pooled[c] = mergeMoments(pooled[c]!, channelMoments(input.values, input.tokens, features, c, mask));
    }
  }
  return {
    count: Float64Array.of(pooled[0]!.count),
    mean: Float64Array.from(pooled, ({ mean }) => mean),
    m2: Float64Array.from(pooled, ({ m2 }) => m2),
  };
}

function channelMoments(
  x: ArrayLike<number>,
  tokens: number,
  features: number,
  channel: number,
  mask: Uint8Array | null,
): Moments {
  const valid: number[] = [];
  for (let token = 0; token < tokens; token++)
    if (mask === null || mask[token] !== 0) valid.push(x[token * features + channel]!);
  return valid.length === 0 ? emptyMoments : momentsOf(valid);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
