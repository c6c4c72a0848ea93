import type { IndexSets } from "../../kernels/index-sets.ts";
import { matrixOf, transpose } from "../../kernels/matrix.ts";
import type { RandomStream } from "../../scenario/random.ts";
import type { Activation, Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";

/** How the weights of a linear layer start, and its biases; null: it has none. */
export interface LinearStart {
  readonly weight: (stream: RandomStream) => number;
  readonly bias: ((stream: RandomStream) => number) | null;
}

/**
 * Uniform in ±1/√inputs, as PyTorch starts a linear layer.
 *
 * @see torch.nn.Linear.reset_parameters
 */
export function uniformStart(inputs: number): LinearStart {
  const bound = 1 / Math.sqrt(inputs);
  const draw = (stream: RandomStream): number => bound * (2 * stream.uniform() - 1);
  return { weight: draw, bias: draw };
}

/**
 * Weights from N(0, 2/(inputs + outputs)), no biases but 0.
 *
 * @see Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward neural networks
 */
export function xavierStart(inputs: number, outputs: number): LinearStart {
  const std = Math.sqrt(2 / (inputs + outputs));
  return { weight: (stream) => std * stream.normal(), bias: () => 0 };
}

/** y = x·Wᵀ + b, W [outputs, inputs] as in PyTorch. */
export function linear(
  context: LayerContext,
  name: string,
  input: Activation,
  outputs: number,
  start: LinearStart,
): Layer {
  const { kernels } = context;
  const { tokens, features } = input;
  const weight = context.parameter(`${name}.weight`, outputs * features, start.weight);
  const bias = start.bias === null ? null : context.parameter(`${name}.bias`, outputs, start.bias);
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
