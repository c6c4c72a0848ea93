import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { NormalizerSpec } from "../src/scenario/scenario.ts";
import type { TransformerSpec } from "../src/scenario/training.ts";
import type { Layer, Loss, Parameter } from "../src/training/layer.ts";
import { crossEntropy } from "../src/training/layers/cross-entropy.ts";
import { transformer } from "../src/training/transformer.ts";
import { expectClose } from "./support/close.ts";
import { backward, forward, plainContext } from "./support/layer-trial.ts";

// Oracles: PyTorch 1.13 in float64 by test/golden/transformer.py; central differences where PyTorch has no
// counterpart (a normaliser that takes padding for tokens).

interface Case {
  readonly name: string;
  readonly placement: "pre" | "post";
  readonly type: "layer-norm" | "rms-norm" | "batch-norm";
  readonly epsilon: number;
  readonly blocks: number;
  readonly samples: number;
  readonly positions: number;
  readonly vocabulary: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly classes: number;
  readonly tokens: readonly number[];
  readonly mask: readonly number[];
  readonly labels: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly expected: {
    readonly loss: number;
    readonly logits: readonly number[];
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  };
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("golden/transformer.json", import.meta.url), "utf8"),
);

/** PyTorch's name of a parameter: `block1.attention.in.weight` is `blocks.1.self_attn.in_proj_weight`. */
function torchName(name: string): string {
  const renames: Readonly<Record<string, string>> = {
    "attention.in.weight": "self_attn.in_proj_weight",
    "attention.in.bias": "self_attn.in_proj_bias",
    "attention.out": "self_attn.out_proj",
    "attention.norm": "norm1",
    "feedForward.in": "linear1",
    "feedForward.out": "linear2",
    "feedForward.norm": "norm2",
    "embedding.token": "tokens",
    "embedding.position": "positions",
    output: "head",
    norm: "last",
  };
  const [, block, rest] = /^(block\d+\.)?(.+)$/.exec(name)!;
  const ours = Object.keys(renames).find((key) => rest === key || rest!.startsWith(`${key}.`))!;
  const prefix = block === undefined ? "" : block.replace("block", "blocks.");
  return prefix + rest!.replace(ours, renames[ours]!);
}

/** The network of a case on one rank, with the case's parameters. */
function networkOf(
  example: Case,
  masked: boolean,
): { layers: readonly Layer[]; parameters: Parameter[]; loss: Loss } {
  const { samples, positions, vocabulary, classes } = example;
  const pooling = { group: "rank", implementation: "pytorch", momentum: 0.1 } as const;
  const normalizer = {
    name: "norm",
    type: example.type,
    epsilon: example.epsilon,
    weight: 1,
    bias: 0,
    ...(example.type === "batch-norm" ? pooling : {}),
  } as NormalizerSpec;
  const spec: TransformerSpec = { kind: "transformer", ...example };
  const mask = Uint8Array.from(example.mask);
  const input = { samples, positions, vocabulary, tokens: Uint8Array.from(example.tokens), mask };
  const { layers } = transformer(plainContext({ normalizer }), spec, input, masked ? mask : null, classes);
  const parameters = layers.flatMap((layer) => layer.parameters);
  for (const { name, values } of parameters) values.set(example.parameters[torchName(name)]!);
  return {
    layers,
    parameters,
    loss: crossEntropy(layers.at(-1)!.output, Int32Array.from(example.labels), null),
  };
}

function evaluate({ layers, loss }: ReturnType<typeof networkOf>): number {
  for (const layer of layers) forward(layer);
  return loss.evaluate().loss;
}

// Of sums of about 100 terms of order 1, over ten layers: some 1000 roundings of 2⁻⁵³.
const tolerance = 1e-12;

describe("the transformer equals PyTorch's", () => {
  for (const example of cases) {
    test(`${example.name}: logits, loss and the gradient of every parameter`, () => {
      const network = networkOf(example, true);
      const { samples, expected } = example;
      expectClose([evaluate(network) / samples], [expected.loss], tolerance, tolerance, "loss");
      expectClose(network.layers.at(-1)!.output.values, expected.logits, tolerance, tolerance, "logits");
      for (const layer of network.layers.toReversed()) backward(layer);
      expect(network.parameters.map(({ name }) => torchName(name)).sort()).toEqual(
        Object.keys(expected.gradients).sort(),
      );
      for (const { name, gradients } of network.parameters) {
        const want = expected.gradients[torchName(name)]!.map((gradient) => gradient * samples);
        expectClose(gradients, want, tolerance, tolerance, name);
      }
    });
  }
});

describe("a normaliser that does not know of padding", () => {
  // Central differences with h err by h²·|f'''| and by rounding 2⁻⁵²·|f|/h ~ 1e-10; |f'''| is some 1000 through two norms.
  const h = 1e-5;
  const roundOff = 1e-6;

  for (const example of cases.filter(({ type }) => type === "batch-norm")) {
    test(`${example.name}: its gradients pass through the padding as finite differences say`, () => {
      const network = networkOf(example, false);
      expect(evaluate(network) / example.samples).not.toBeCloseTo(example.expected.loss, 3);
      for (const layer of network.layers.toReversed()) backward(layer);
      for (const { name, values, gradients } of network.parameters) {
        const got = Float64Array.from(gradients);
        const want = got.map((_, i) => {
          const kept = values[i]!;
          values[i] = kept + h;
          const above = evaluate(network);
          values[i] = kept - h;
          const below = evaluate(network);
          values[i] = kept;
          return (above - below) / (2 * h);
        });
        expectClose(got, want, roundOff, roundOff, name);
      }
    });
  }
});
