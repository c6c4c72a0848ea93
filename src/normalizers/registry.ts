import type { NormalizerSpec } from "../scenario/scenario.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchRenorm } from "./batch-renorm.ts";
import { groupNorm } from "./group-norm.ts";
import { instanceNorm } from "./instance-norm.ts";
import { layerNorm } from "./layer-norm.ts";
import { mabn } from "./mabn.ts";
import type { Normalizer } from "./operator.ts";
import { powerNorm } from "./power-norm.ts";
import { rmsNorm } from "./rms-norm.ts";

type Type = NormalizerSpec["type"];

const makers: { readonly [T in Type]: (spec: Extract<NormalizerSpec, { readonly type: T }>) => Normalizer } =
  {
    "batch-norm": (spec) => batchNorm(spec),
    "batch-renorm": batchRenorm,
    "power-norm": powerNorm,
    mabn,
    "layer-norm": layerNorm,
    "rms-norm": rmsNorm,
    "group-norm": groupNorm,
    "instance-norm": instanceNorm,
  };

/** Types a scenario's normaliser may have. */
export const normalizerTypes: readonly Type[] = Object.keys(makers) as Type[];

/** The normaliser that a scenario's entry describes. */
export function createNormalizer(spec: NormalizerSpec): Normalizer {
  return (makers[spec.type] as (spec: NormalizerSpec) => Normalizer)(spec);
}
