import type { Activation, Layer } from "../layer.ts";
import { type ArraySource, createActivation } from "../layer-context.ts";
import { type Sequences, validTokens } from "../sequences.ts";

/**
 * Mean over the valid tokens of each sequence: [tokens, features] → [samples, features]; 0 for a
 * sequence that is all padding. Sums ascending in float64, rounded once.
 */
export function pooling(arrays: ArraySource, input: Activation, sequences: Sequences): Layer {
  const { samples } = sequences;
  const { features, values, gradients } = input;
  const output = createActivation(arrays, samples, features);
  return {
    parameters: [],
    output,
    // biome-ignore lint/correctness/useYield: sequences lie on this rank, so it never waits for another.
    *forward() {
      const sums = new Float64Array(features);
      for (let n = 0; n < samples; n++) {
        const valid = validTokens(sequences, n);
        sums.fill(0);
        for (const t of valid) for (let f = 0; f < features; f++) sums[f]! += values[t * features + f]!;
        for (let f = 0; f < features; f++)
          output.values[n * features + f] = valid.length === 0 ? 0 : sums[f]! / valid.length;
      }
    },
    // biome-ignore lint/correctness/useYield: sequences lie on this rank, so it never waits for another.
    *backward() {
      gradients!.fill(0);
      for (let n = 0; n < samples; n++) {
        const valid = validTokens(sequences, n);
        for (const t of valid) {
          for (let f = 0; f < features; f++)
            gradients![t * features + f] = output.gradients![n * features + f]! / valid.length;
        }
      }
    },
  };
}
