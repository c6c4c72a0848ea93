import type { Progress } from "../../collectives/communicator.ts";
import type { Activation, ForwardMode, Layer } from "../layer.ts";
import { type ArraySource, createActivation } from "../layer-context.ts";

/**
 * y = x + branch(x).
 *
 * @param branch layers one after the other, the first of which reads `input`.
 */
export function residual(arrays: ArraySource, input: Activation, branch: readonly Layer[]): Layer {
  const added = branch.at(-1)!.output;
  const output = createActivation(arrays, input.tokens, input.features);
  return {
    parameters: branch.flatMap(({ parameters }) => parameters),
    output,
    *forward(mode: ForwardMode): Progress<void> {
      for (const layer of branch) yield* layer.forward(mode);
      for (let i = 0; i < output.values.length; i++) output.values[i] = input.values[i]! + added.values[i]!;
    },
    *backward(): Progress<void> {
      const dy = output.gradients!;
      const dx = input.gradients!;
      added.gradients!.set(dy);
      for (const layer of [...branch].reverse()) yield* layer.backward();
      for (let i = 0; i < dx.length; i++) dx[i] = dx[i]! + dy[i]!;
    },
  };
}
