import type { BatchNormCase, GroupOutcome, RankInput, RankOutcome, ResidentCase } from "./normalizer-case.ts";

/** What most cases share; the rest has defaults. */
interface Settings {
  readonly name: string;
  /** [N, C, L] of each rank. */
  readonly x: readonly (readonly number[])[];
  /** Default: zeros. */
  readonly dy?: readonly (readonly number[])[];
  /** [N, L] of each rank. */
  readonly mask?: readonly (readonly number[])[];
  /** Default: 1. */
  readonly channels?: number;
  /** Default: 1. */
  readonly positions?: number;
  /** Default: 0. */
  readonly epsilon?: number;
  /** Default: ones. */
  readonly weight?: readonly number[];
  /** Default: zeros. */
  readonly bias?: readonly number[];
  readonly ranks: readonly Partial<RankOutcome>[];
}

interface BatchNormSettings extends Settings, Pick<BatchNormCase, "renorm"> {
  /** Default: world. */
  readonly group?: number;
  /** Default: 1, so that running statistics are those of the last batch. */
  readonly momentum?: number | null;
  /** x of the steps before the last, [step][rank]. */
  readonly earlier?: readonly (readonly (readonly number[])[])[];
  readonly groups?: readonly Partial<GroupOutcome>[];
}

function common(settings: Settings): Omit<ResidentCase, "type" | "expected"> {
  const { name, x, dy, mask, channels = 1, positions = 1, epsilon = 0 } = settings;
  const weight = settings.weight ?? new Array<number>(channels).fill(1);
  const bias = settings.bias ?? new Array<number>(channels).fill(0);
  const ranks = x.map(
    (values, rank): RankInput => ({
      samples: values.length / (channels * positions),
      x: values,
      dy: dy?.[rank] ?? values.map(() => 0),
      mask: mask?.[rank] ?? null,
    }),
  );
  return { name, channels, positions: positions === 1 ? [] : [positions], epsilon, weight, bias, ranks };
}

/** A case of BatchNorm, defaults filled in. */
export function batchNorm(settings: BatchNormSettings): BatchNormCase {
  const { group = "world", momentum = 1, earlier = [], renorm, ranks, groups = [] } = settings;
  const trainingSteps = earlier.length + 1;
  const expected = { ranks, groups };
  const bounds = renorm === undefined ? {} : { renorm };
  return {
    ...common(settings),
    type: "batch-norm",
    group,
    momentum,
    trainingSteps,
    earlier,
    ...bounds,
    expected,
  };
}

/** A case of LayerNorm, defaults filled in. */
export function layerNorm(settings: Settings): ResidentCase {
  return { ...common(settings), type: "layer-norm", expected: { ranks: settings.ranks } };
}

interface FamilySettings extends Settings, Pick<ResidentCase, "type" | "groups"> {}

/** A case of any normaliser whose statistics span no samples, defaults filled in. */
export function resident(settings: FamilySettings): ResidentCase {
  const { type, groups, ranks } = settings;
  return { ...common(settings), type, ...(groups !== undefined && { groups }), expected: { ranks } };
}
