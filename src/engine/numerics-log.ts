import { ranksOfDistinctSets } from "../normalizers/group.ts";
import type { Normalizer, SetStatistics } from "../normalizers/operator.ts";
import { type SpreadlessSets, spreadlessSets } from "../normalizers/spreadless.ts";
import type { Mesh } from "../scenario/scenario.ts";
import type { NumericEvents } from "../training/numeric-events.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import { microbatchCounts } from "./microstep.ts";
import type { PassResult } from "./pass-result.ts";
import type { NormalizerRecord, Numerics } from "./simulation.ts";
import type { Workload } from "./workload.ts";

export function newNumerics(): Numerics {
  return {
    nonFinite: 0,
    nonFiniteOutputShare: 0,
    nonFiniteGradientShare: 0,
    clampedVariances: 0,
    overflows: 0,
    constantSets: 0,
    singleValueGroups: 0,
    worstConditioned: null,
  };
}

interface Surroundings {
  readonly workload: Workload;
  readonly ranks: readonly RankViews[];
  readonly whole: WholeViews;
}

/** Add the numeric events of a pass; results are in rank order. */
export function logNumerics(
  { numerics, groups, spec }: NormalizerRecord,
  normalizer: Normalizer,
  results: readonly PassResult[],
  { workload, ranks, whole }: Surroundings,
): void {
  const { reduces, centres } = normalizer;
  const spansRanks = reduces.includes("samples");
  logSpread(numerics, results, ranks, microbatchCounts(workload.scenario).training);
  for (const { clampedVariances, overflows } of results) {
    numerics.clampedVariances += clampedVariances.own;
    numerics.overflows += overflows;
  }
  for (const rank of ranksOfDistinctSets(spec, groups, workload.scenario.mesh)) {
    const { used, reference, extent, firstChannel } = ranks[rank]!;
    const { setCount, clampedVariances } = results[rank]!;
    numerics.clampedVariances += clampedVariances.merged;
    addSpreadless(
      numerics,
      spreadlessSets(normalizer, used, { setCount, channels: extent.channels, firstChannel }),
    );
    if (centres && !spansRanks) logConditions(numerics, reference, setCount);
  }
  if (spansRanks) logConditions(numerics, whole, whole.mean.length);
}

/** Add the numeric events of all training steps; each rank's are of all its layers. */
export function logTrainingNumerics(
  { numerics, groups, spec }: NormalizerRecord,
  ofRanks: readonly NumericEvents[],
  mesh: Mesh,
): void {
  let elements = 0;
  let [y, dx] = [0, 0];
  for (const events of ofRanks) {
    elements += events.elements;
    y += events.nonFiniteOutputs;
    dx += events.nonFiniteGradients;
    numerics.clampedVariances += events.ownClamps;
    numerics.overflows += events.overflows;
  }
  numerics.nonFinite += y + dx;
  if (elements > 0) {
    numerics.nonFiniteOutputShare = y / elements;
    numerics.nonFiniteGradientShare = dx / elements;
  }
  for (const rank of ranksOfDistinctSets(spec, groups, mesh)) {
    numerics.clampedVariances += ofRanks[rank]!.mergedClamps;
    addSpreadless(numerics, ofRanks[rank]!);
  }
}

function addSpreadless(numerics: Numerics, { constantSets, singleValueGroups }: SpreadlessSets): void {
  numerics.constantSets += constantSets;
  numerics.singleValueGroups += singleValueGroups;
}

/** How far NaN and infinities have spread. */
function logSpread(
  numerics: Numerics,
  results: readonly PassResult[],
  ranks: readonly RankViews[],
  microbatches: number,
): void {
  const total = (of: (result: PassResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0);
  const elements = ranks.reduce((sum, { localCount, extent }) => sum + localCount[0]! * extent.channels, 0);
  const [y, dx] = [total(({ nonFinite }) => nonFinite.y), total(({ nonFinite }) => nonFinite.dx)];
  numerics.nonFinite += y + dx;
  if (elements === 0) return;
  numerics.nonFiniteOutputShare += y / (elements * microbatches);
  numerics.nonFiniteGradientShare += dx / (elements * microbatches);
}

/** Keep the worst conditioned of some statistics in float64; the last count stands for all that follow it. */
export function logConditions(
  numerics: Numerics,
  { count, mean, m2 }: Pick<SetStatistics, "count" | "mean" | "m2">,
  setCount: number,
): void {
  for (let set = 0; set < setCount; set++)
    logCondition(numerics, count[Math.min(set, count.length - 1)]!, mean[set]!, m2[set]!);
}

/** Keep a statistic if its |mean|/std is the largest so far; of those without spread, the largest mean. */
function logCondition(numerics: Numerics, count: number, mean: number, m2: number): void {
  if (count === 0 || !Number.isFinite(m2)) return;
  const std = Math.sqrt(m2 / count);
  const worst = numerics.worstConditioned;
  if (worst === null || isWorse({ mean, std }, worst)) numerics.worstConditioned = { mean, std };
}

type Condition = NonNullable<Numerics["worstConditioned"]>;

function isWorse(a: Condition, b: Condition): boolean {
  const [left, right] = [Math.abs(a.mean) * b.std, Math.abs(b.mean) * a.std];
  return left > right || (left === right && Math.abs(a.mean) > Math.abs(b.mean));
}
