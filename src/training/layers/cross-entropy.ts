import { exp, log } from "../../scenario/elementary-functions.ts";
import type { Activation, Loss } from "../layer.ts";

/**
 * Cross-entropy of softmax(logits) and the target class, summed over the valid tokens: the gradient is
 * softmax − one-hot. Averaging is left to the reduction over ranks, which knows how many tokens there are.
 *
 * NaN in a token's logits makes its loss NaN and counts as an error.
 *
 * @param targets one class per token.
 * @param mask one per token, 1 is valid; null: all are.
 */
export function crossEntropy(logits: Activation, targets: Int32Array, mask: Uint8Array | null): Loss {
  const { tokens, features: classes, values } = logits;
  const gradients = logits.gradients!;
  const shares = new Float64Array(classes);
  return {
    evaluate() {
      const sums = { loss: 0, errors: 0, tokens: 0 };
      for (let token = 0; token < tokens; token++) {
        const start = token * classes;
        if (mask !== null && mask[token] === 0) {
          gradients.fill(0, start, start + classes);
          continue;
        }
        const best = indexOfLargest(values, start, classes);
        const largest = values[start + best]!;
        let total = 0;
        for (let k = 0; k < classes; k++) {
          shares[k] = exp(values[start + k]! - largest);
          total += shares[k]!;
        }
        for (let k = 0; k < classes; k++) gradients[start + k] = shares[k]! / total;
        const target = targets[token]!;
        gradients[start + target]! -= 1;
        sums.loss += total > 0 ? log(total) - (values[start + target]! - largest) : Number.NaN;
        sums.errors += best === target && total > 0 ? 0 : 1;
        sums.tokens++;
      }
      return sums;
    },
  };
}

/** The first of the largest. */
function indexOfLargest(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) if (values[start + k]! > values[start + best]!) best = k;
  return best;
}
