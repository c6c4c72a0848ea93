import type { Activation, Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";

/** y = max(x, 0), NaN for NaN; no gradient at 0, as in PyTorch. */
export function relu(context: LayerContext, input: Activation): Layer {
  const output = createActivation(context, input.tokens, input.features);
  const [x, y, dx, dy] = [input.values, output.values, input.gradients!, output.gradients!];
  return {
    parameters: [],
    output,
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *forward() {
      for (let i = 0; i < x.length; i++) y[i] = Math.max(x[i]!, 0);
    },
    // biome-ignore lint/correctness/useYield: it never waits for another rank.
    *backward() {
      for (let i = 0; i < x.length; i++) dx[i] = x[i]! > 0 ? dy[i]! : 0;
    },
  };
}
