import type { LayerNormSpec, RmsNormSpec } from "../scenario/scenario.ts";
import type { Normalizer } from "./operator.ts";
import { addUp, sampleNormalizer } from "./sample-norm.ts";

type TokenNormSpec = LayerNormSpec | RmsNormSpec;

/** The weight gradients that training uses: RMSNorm has a bias only where it was given one. */
export function gradientNames({ type, bias }: TokenNormSpec): readonly ("dWeight" | "dBias")[] {
  return type === "rms-norm" && bias === 0 ? ["dWeight"] : ["dWeight", "dBias"];
}

/** A normaliser with one set per token, over its channels, in one of the forms of tensor parallelism. */
export function tokenNormalizer(spec: TokenNormSpec, { centres }: { readonly centres: boolean }): Normalizer {
  const isSequenceParallel = spec.tensorParallel === "sequence-parallel";
  const base = sampleNormalizer({ reduces: ["channels"], channelGroups: 1, centres }, !isSequenceParallel);
  return isSequenceParallel ? addGradients(base, spec) : base;
}

/**
 * Megatron-LM's sequence parallelism: a rank normalises the tokens that it holds, and the dWeight and dBias of
 * all tensor ranks are summed by an all-reduce, because they hold the same weights.
 *
 * @see megatron/core/distributed/finalize_model_grads.py, _allreduce_layernorm_grads; Korthikanti et al. (2022),
 *   arXiv 2205.05198
 */
function addGradients(base: Normalizer, spec: TokenNormSpec): Normalizer {
  const names = gradientNames(spec);
  return {
    ...base,
    collectives: ({ channels }) => [
      { pass: "backward", operation: "all-reduce", values: names.length * channels, valuesPerElement: 1 },
    ],
    *backward(rank) {
      yield* base.backward(rank);
      const { groupSize } = rank.communicator;
      if (groupSize === 1) return;
      const gradients = names.map((name) => rank[name]);
      yield* addUp(rank, gradients);
      if (spec.fault !== "averaged-gradient-all-reduce") return;
      for (const gradient of gradients) for (let c = 0; c < gradient.length; c++) gradient[c]! /= groupSize;
    },
  };
}
