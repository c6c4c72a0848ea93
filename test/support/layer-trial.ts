import type { Communicator } from "../../src/collectives/communicator.ts";
import { indexSetsOf } from "../../src/kernels/index-sets.ts";
import type { FloatArray } from "../../src/kernels/kernels.ts";
import { scalarKernels } from "../../src/kernels/scalar.ts";
import { createRandomStream } from "../../src/scenario/random.ts";
import type { Activation, ForwardMode, Layer } from "../../src/training/layer.ts";
import type { LayerContext } from "../../src/training/layer-context.ts";
import { expectClose } from "./close.ts";
import { wave } from "./wave.ts";

/** Of a rank that is alone: nothing is ever sent. */
const alone = { groupSize: 1 } as Communicator;

/** What layers of a rank that is alone are made from: arrays of float64 and the reference kernels. */
export function plainContext(own: Partial<LayerContext> = {}): LayerContext {
  return {
    kernels: scalarKernels,
    storage: "float64",
    normalizer: {
      name: "LN",
      type: "layer-norm",
      epsilon: 1e-5,
      weight: 1,
      bias: 0,
      moments: "two-pass",
      accumulate: "float64",
    },
    floats: (length) => new Float64Array(length),
    doubles: (length) => new Float64Array(length),
    bytes: (length) => new Uint8Array(length),
    integers: (length) => new Int32Array(length),
    indexSets: (extent, { reduces, channelGroups }) => indexSetsOf(extent, reduces, channelGroups),
    communicator: () => alone,
    payload: (count) => new Float64Array(count),
    parameter(name, length, draw) {
      const stream = createRandomStream({ seed: 1, rank: "all", trainingStep: "all", purpose: name });
      const values = Float64Array.from({ length }, () => draw(stream));
      return { name, values, gradients: new Float64Array(length) };
    },
    ...own,
  };
}

/** An activation of float64 with values without structure. */
export function activationOf(tokens: number, features: number, seed: number): Activation {
  const values = Float64Array.from(wave(tokens * features, seed));
  return { tokens, features, values, gradients: new Float64Array(tokens * features) };
}

/** Run a layer that never waits. */
export function forward(layer: Layer, mode: ForwardMode = "training"): void {
  for (const _ of layer.forward(mode)) throw new Error("the layer waits for a peer");
}

/** See `forward`. */
export function backward(layer: Layer): void {
  for (const _ of layer.backward()) throw new Error("the layer waits for a peer");
}

// Central differences with h err by h²·|f'''|/6 ~ 1e-10·|f'''| and by rounding 2⁻⁵²·|f|/h ~ 1e-11·|f|; the functions
// and their derivatives here are of order 10.
const h = 1e-5;
const tolerance = 1e-7;

/**
 * Hold a layer's gradients by its input and by its parameters against central differences of Σ weights · output.
 *
 * @throws Error that names the array.
 */
export function expectGradients(layer: Layer, input: Activation | null): void {
  const weights = wave(layer.output.values.length, 99);
  const loss = (): number => {
    forward(layer);
    return weights.reduce((sum, weight, i) => sum + weight * layer.output.values[i]!, 0);
  };
  loss();
  layer.output.gradients!.set(weights);
  backward(layer);
  const arrays: { what: string; values: FloatArray; gradients: FloatArray }[] = layer.parameters.map(
    ({ name, values, gradients }) => ({ what: name, values, gradients }),
  );
  if (input !== null) arrays.push({ what: "input", values: input.values, gradients: input.gradients! });
  for (const { what, values, gradients } of arrays) {
    const got = Float64Array.from(gradients);
    const want = got.map((_, i) => {
      const kept = values[i]!;
      values[i] = kept + h;
      const above = loss();
      values[i] = kept - h;
      const below = loss();
      values[i] = kept;
      return (above - below) / (2 * h);
    });
    expectClose(got, want, tolerance, tolerance, what);
  }
}
