import type { IndexSets } from "../../kernels/index-sets.ts";
import { matrixOf, transpose } from "../../kernels/matrix.ts";
import type { RandomStream } from "../../scenario/random.ts";
import type { Activation, Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";

/**
 * y = x·Wᵀ + b, W [outputs, inputs] as in PyTorch, whose initial weights and biases it has: uniform in ±1/√inputs.
 *
 * @param hasBias false before a normaliser that subtracts a mean, where a bias would change nothing.
 * @see torch.nn.Linear.reset_parameters
 */
export function linear(
  context: LayerContext,
  name: string,
  input: Activation,
  outputs: number,
  hasBias: boolean,
): Layer {
  const { kernels } = context;
  const { tokens, features } = input;
  const bound = 1 / Math.sqrt(features);
  const draw = (stream: RandomStream): number => bound * (2 * stream.uniform() - 1);
  const weight = context.parameter(`${name}.weight`, outputs * features, draw);
  const bias = hasBias ? context.parameter(`${name}.bias`, outputs, draw) : null;
  const output = createActivation(context, tokens, outputs);
  const channels: IndexSets = context.indexSets(
    { samples: tokens, channels: outputs, positions: 1 },
    {
      reduces: ["samples", "positions"],
      channelGroups: 1,
    },
  );
  const biasSums = context.doubles(outputs);
  const x = matrixOf(input.values, tokens, features);
  const w = matrixOf(weight.values, outputs, features);
  const y = matrixOf(output.values, tokens, outputs);
  const dy = matrixOf(output.gradients!, tokens, outputs);
  const dw = matrixOf(weight.gradients, outputs, features);
  const dx = input.gradients === null ? null : matrixOf(input.gradients, tokens, features);
  return {
    parameters: bias === null ? [weight] : [weight, bias],
    output,
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *forward() {
      kernels.multiply(x, transpose(w), bias?.values ?? null, y);
    },
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *backward() {
      kernels.multiply(transpose(dy), x, null, dw);
      if (dx !== null) kernels.multiply(dy, w, null, dx);
      if (bias === null) return;
      kernels.sums({ x: dy.values, mask: null }, channels, biasSums);
      bias.gradients.set(biasSums);
    },
  };
}
