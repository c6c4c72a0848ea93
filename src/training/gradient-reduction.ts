import type { Communicator, Progress } from "../collectives/communicator.ts";
import type { Storage } from "../scenario/scenario.ts";
import type { Parameter } from "./layer.ts";
import type { ArraySource } from "./layer-context.ts";

/** Values that a rank's gradient payload has: every gradient, and how many tokens they are summed over. */
export function gradientValues(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { values }) => sum + values.length, 1);
}

/** Turns the gradients that ranks summed over their own tokens into those of the mean loss of the whole batch. */
export interface GradientReduction {
  /** Every rank ends with the same bits. */
  reduce(communicator: Communicator, tokens: number): Progress<void>;
}

/**
 * One all-reduce of all gradients and of the token count, and a division by the sum of counts: exact for
 * ranks that hold unequal numbers of tokens, and none. (DDP averages the ranks' mean gradients instead, which
 * weighs a token of a small microbatch more.)
 *
 * @param format what gradients travel as: the storage type, whatever the normaliser's payload is.
 */
export function gradientReduction(
  arrays: ArraySource,
  parameters: readonly Parameter[],
  format: Storage,
): GradientReduction {
  const payload = arrays.floats(gradientValues(parameters));
  const last = payload.length - 1;
  return {
    *reduce(communicator, tokens) {
      let at = 0;
      for (const { gradients } of parameters) {
        payload.set(gradients, at);
        at += gradients.length;
      }
      payload[last] = tokens;
      if (communicator.groupSize > 1) yield* communicator.allReduce(payload, { format });
      const count = payload[last]!;
      at = 0;
      for (const { gradients } of parameters) {
        for (let i = 0; i < gradients.length; i++) gradients[i] = payload[at++]! / count;
      }
    },
  };
}
