import type { TransformerSpec } from "../scenario/training.ts";
import type { Activation, Layer } from "./layer.ts";
import type { LayerContext } from "./layer-context.ts";
import { attention } from "./layers/attention.ts";
import { embedding } from "./layers/embedding.ts";
import { linear, xavierStart } from "./layers/linear.ts";
import { Normalization } from "./layers/normalization.ts";
import { pooling } from "./layers/pooling.ts";
import { relu } from "./layers/relu.ts";
import { residual } from "./layers/residual.ts";
import type { Layers } from "./mlp.ts";
import type { Sequences } from "./sequences.ts";

/**
 * Embedding, blocks of attention and feed-forward, mean over each sequence's tokens, linear layer to the
 * classes. `pre`: x + f(norm(x)), and a last norm before the mean; `post`: norm(x + f(x)).
 *
 * Weights start as Xavier normal and biases as 0, as where the placements were compared.
 *
 * @param mask what the normaliser knows of padding; attention and the mean always know.
 * @see Xiong et al. (2020), arXiv 2002.04745, table 1
 */
export function transformer(
  context: LayerContext,
  spec: TransformerSpec,
  input: Sequences,
  mask: Uint8Array | null,
  classes: number,
): Layers {
  const { width, heads, feedForward, placement } = spec;
  const layers: Layer[] = [embedding(context, input, width)];
  const normalizations: Normalization[] = [];
  const last = (): Activation => layers.at(-1)!.output;
  const normalize = (name: string, x: Activation): Layer => {
    const norm = new Normalization(context, name, x, mask);
    normalizations.push(norm);
    return norm;
  };
  const addSublayer = (name: string, layersOn: (x: Activation) => Layer[]): void => {
    const x = last();
    if (placement === "pre") {
      const norm = normalize(`${name}.norm`, x);
      layers.push(residual(context, x, [norm, ...layersOn(norm.output)]));
    } else {
      layers.push(residual(context, x, layersOn(x)));
      layers.push(normalize(`${name}.norm`, last()));
    }
  };
  for (let block = 0; block < spec.blocks; block++) {
    addSublayer(`block${block}.attention`, (x) => {
      const projection = linear(
        context,
        `block${block}.attention.in`,
        x,
        3 * width,
        xavierStart(width, width),
      );
      const mixed = attention(context, projection.output, input, heads);
      const out = linear(
        context,
        `block${block}.attention.out`,
        mixed.output,
        width,
        xavierStart(width, width),
      );
      return [projection, mixed, out];
    });
    addSublayer(`block${block}.feedForward`, (x) => {
      const wide = linear(
        context,
        `block${block}.feedForward.in`,
        x,
        feedForward,
        xavierStart(width, feedForward),
      );
      const active = relu(context, wide.output);
      const start = xavierStart(feedForward, width);
      return [wide, active, linear(context, `block${block}.feedForward.out`, active.output, width, start)];
    });
  }
  if (placement === "pre") layers.push(normalize("norm", last()));
  layers.push(pooling(context, last(), input));
  layers.push(linear(context, "output", last(), classes, xavierStart(width, classes)));
  return { layers, normalizations };
}
