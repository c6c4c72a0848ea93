import type { MlpSpec } from "../scenario/training.ts";
import type { Activation, Layer } from "./layer.ts";
import type { LayerContext } from "./layer-context.ts";
import { linear, uniformStart } from "./layers/linear.ts";
import { Normalization } from "./layers/normalization.ts";
import { relu } from "./layers/relu.ts";

/** The layers of a network, and those of them that normalise. */
export interface Layers {
  readonly layers: readonly Layer[];
  readonly normalizations: readonly Normalization[];
}

/** Linear, normaliser, ReLU for every hidden layer, and a linear layer to the classes. */
export function mlp(context: LayerContext, { hidden }: MlpSpec, input: Activation, classes: number): Layers {
  const layers: Layer[] = [];
  const normalizations: Normalization[] = [];
  let last = input;
  const add = <T extends Layer>(layer: T): T => {
    layers.push(layer);
    last = layer.output;
    return layer;
  };
  for (const [index, features] of hidden.entries()) {
    // A normaliser that subtracts a mean undoes any bias.
    const start = { ...uniformStart(last.features), bias: null };
    add(linear(context, `hidden${index}.linear`, last, features, start));
    normalizations.push(add(new Normalization(context, `hidden${index}.norm`, last, null)));
    add(relu(context, last));
  }
  add(linear(context, "output", last, classes, uniformStart(last.features)));
  return { layers, normalizations };
}
