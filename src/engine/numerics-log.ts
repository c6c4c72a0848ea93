import { ranksOfDistinctSets } from "../normalizers/group.ts";
import type { Normalizer } from "../normalizers/operator.ts";
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
  { reduces, centres }: Normalizer,
  results: readonly PassResult[],
  { workload, ranks, whole }: Surroundings,
): void {
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
    for (let set = 0; set < setCount; set++) {
      if (used.count[set]! > 0 && used.m2[set] === 0) numerics.constantSets++;
      const isFirstChannel = firstChannel === 0 && set % extent.channels === 0;
      if (spansRanks && centres && isFirstChannel && used.count[set] === 1) numerics.singleValueGroups++;
      if (centres && !spansRanks)
        logCondition(numerics, reference.count[set]!, reference.mean[set]!, reference.m2[set]!);
    }
  }
  if (spansRanks)
    for (const [c, mean] of whole.mean.entries()) logCondition(numerics, whole.count[0]!, mean, whole.m2[c]!);
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
