import { describe, expect, test } from "vitest";
import { attention } from "../src/training/layers/attention.ts";
import { embedding } from "../src/training/layers/embedding.ts";
import { pooling } from "../src/training/layers/pooling.ts";
import type { Sequences } from "../src/training/sequences.ts";
import { expectClose } from "./support/close.ts";
import { activationOf, expectGradients, forward, plainContext } from "./support/layer-trial.ts";

// Oracles: central differences, and sums by hand. test/transformer.test.ts holds whole networks against PyTorch.

/** Sequences of unequal length; the second one is all padding, the third has a gap. */
const sequences: Sequences = {
  samples: 4,
  positions: 3,
  vocabulary: 5,
  tokens: Uint8Array.of(0, 3, 3, 1, 1, 1, 4, 0, 2, 3, 0, 0),
  mask: Uint8Array.of(1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0),
};
const tokens = sequences.samples * sequences.positions;
const padding = Array.from(sequences.mask.keys()).filter((t) => sequences.mask[t] === 0);

const context = plainContext();

describe("attention", () => {
  const width = 6;

  for (const heads of [1, 2, 3, 6]) {
    test(`its gradients with ${heads} heads are those of finite differences`, () => {
      const input = activationOf(tokens, 3 * width, heads);
      expectGradients(attention(context, input, sequences, heads), input);
    });
  }

  test("padding is not attended to and attends to nothing", () => {
    const input = activationOf(tokens, 3 * width, 3);
    const layer = attention(context, input, sequences, 2);
    forward(layer);
    const before = Array.from(layer.output.values);
    for (const t of padding) {
      expect(before.slice(t * width, (t + 1) * width)).toEqual(Array(width).fill(0));
      input.values.fill(1e6, t * 3 * width, (t + 1) * 3 * width);
    }
    forward(layer);
    expect(Array.from(layer.output.values)).toEqual(before);
  });

  test("equal keys share a query's attention evenly: the context is the mean of the values", () => {
    const input = activationOf(tokens, 3 * width, 4);
    for (let t = 0; t < tokens; t++) input.values.fill(0.5, t * 3 * width + width, t * 3 * width + 2 * width);
    const layer = attention(context, input, sequences, 2);
    forward(layer);
    const value = (t: number, f: number): number => input.values[t * 3 * width + 2 * width + f]!;
    const mean = Array.from({ length: width }, (_, f) => (value(6, f) + value(8, f)) / 2);
    // Two terms and a softmax of three roundings.
    expectClose(layer.output.values.slice(6 * width, 7 * width), mean, 0, 8 * 2 ** -52);
    expect(layer.output.values.slice(9 * width, 10 * width)).toEqual(
      input.values.slice(9 * 3 * width + 2 * width, 10 * 3 * width),
    );
  });

  test("scores of any size neither overflow nor divide by zero", () => {
    const input = activationOf(tokens, 3 * width, 5);
    for (let i = 0; i < input.values.length; i++) input.values[i] = 1e4 * input.values[i]!;
    const layer = attention(context, input, sequences, 1);
    forward(layer);
    expect(layer.output.values.every(Number.isFinite)).toBe(true);
  });
});

describe("embedding", () => {
  test("its gradients are those of finite differences", () => {
    expectGradients(embedding(context, sequences, 4), null);
  });

  test("a token's vector is that of its symbol plus that of its position, and padding has none", () => {
    const layer = embedding(context, sequences, 4);
    const [ofToken, ofPosition] = layer.parameters;
    forward(layer);
    for (let t = 0; t < tokens; t++) {
      const want = [0, 1, 2, 3].map((f) =>
        sequences.mask[t] === 0
          ? 0
          : ofToken!.values[sequences.tokens[t]! * 4 + f]! + ofPosition!.values[(t % 3) * 4 + f]!,
      );
      expect(Array.from(layer.output.values.subarray(t * 4, (t + 1) * 4))).toEqual(want);
    }
  });
});

describe("pooling", () => {
  test("its gradients are those of finite differences", () => {
    const input = activationOf(tokens, 4, 6);
    expectGradients(pooling(context, input, sequences), input);
  });

  test("it is the mean of the valid tokens, and 0 where there is none", () => {
    const input = activationOf(tokens, 1, 7);
    const layer = pooling(context, input, sequences);
    forward(layer);
    const x = input.values;
    const want = [(x[0]! + x[1]! + x[2]!) / 3, 0, (x[6]! + x[8]!) / 2, x[9]!];
    expect(Array.from(layer.output.values)).toEqual(want);
  });
});
