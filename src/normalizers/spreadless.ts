import type { Normalizer, SetStatistics } from "./operator.ts";

/** Statistics that divide by nothing but ε. */
export interface SpreadlessSets {
  /** Sets with values and without spread, whose x̂ is 0. */
  readonly constantSets: number;
  /** Groups whose channels had one value. */
  readonly singleValueGroups: number;
}

/** Among the first `setCount` statistics that a rank used, `channels` of a slice after another from `firstChannel` on. */
export function spreadlessSets(
  { reduces, centres }: Pick<Normalizer, "reduces" | "centres">,
  { count, m2 }: Pick<SetStatistics, "count" | "m2">,
  {
    setCount,
    channels,
    firstChannel,
  }: { readonly setCount: number; readonly channels: number; readonly firstChannel: number },
): SpreadlessSets {
  const canBeSingle = reduces.includes("samples") && centres && firstChannel === 0;
  let constantSets = 0;
  let singleValueGroups = 0;
  for (let set = 0; set < setCount; set++) {
    if (count[set]! > 0 && m2[set] === 0) constantSets++;
    if (canBeSingle && set % channels === 0 && count[set] === 1) singleValueGroups++;
  }
  return { constantSets, singleValueGroups };
}
