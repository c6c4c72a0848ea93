import { assert } from "../assert.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { createRandomStream, type RandomStream } from "../scenario/random.ts";
import type { TrainingEnvironment } from "./environment.ts";
import { imageTask } from "./image-task.ts";
import type { Layer, Loss, Parameter, Task } from "./layer.ts";
import type { LayerContext } from "./layer-context.ts";
import { crossEntropy } from "./layers/cross-entropy.ts";
import type { Normalization } from "./layers/normalization.ts";
import { mlp } from "./mlp.ts";
import { sequenceTask } from "./sequence-task.ts";
import { transformer } from "./transformer.ts";

/** A rank's network, on the arrays of its batch. */
export interface Network {
  readonly task: Task;
  /** In the order of the forward pass. */
  readonly layers: readonly Layer[];
  /** In the order of the layers, which is the order of the gradient payload. */
  readonly parameters: readonly Parameter[];
  /** In the order of the forward pass; parts of `layers`. */
  readonly normalizations: readonly Normalization[];
  readonly loss: Loss;
  /** Draw the initial values of all parameters. */
  initialize(): void;
}

/** Lay out a rank's network. Nothing is computed, so that a coordinator can look at the memory of a rank this way. */
export function createNetwork(environment: TrainingEnvironment): Network {
  const initial: (() => void)[] = [];
  const { task, layers, normalizations } = learnerOf(environment, layerContext(environment, initial));
  return {
    task,
    layers,
    normalizations,
    parameters: layers.flatMap(({ parameters }) => parameters),
    loss: crossEntropy(layers.at(-1)!.output, task.targets, null),
    initialize() {
      for (const fill of initial) fill();
    },
  };
}

/** The task that the data pose, and the layers of the network that learns it. */
function learnerOf(environment: TrainingEnvironment, context: LayerContext) {
  const { scenario, training, arrays, rank, thread } = environment;
  const { network } = training;
  const { data, seed } = scenario;
  if (network.kind === "mlp" && data.source === "images") {
    const task = imageTask(arrays, data, seed, rank, thread.images);
    return { task, ...mlp(context, network, task.input, task.classes) };
  }
  if (network.kind === "transformer" && data.source === "tokens") {
    const task = sequenceTask(arrays, data, seed, rank);
    const mask = data.masked ? task.input.mask : null;
    return { task, ...transformer(context, network, task.input, mask, task.classes) };
  }
  assert(false, `no ${network.kind} learns data from ${data.source}`);
}

function layerContext(environment: TrainingEnvironment, initial: (() => void)[]): LayerContext {
  const { arrays, kernels, storage, normalizer, thread, scenario, payload } = environment;
  return {
    ...arrays,
    kernels,
    storage,
    normalizer,
    payload,
    indexSets: thread.indexSets,
    communicator: environment.group,
    parameter(name, length, draw) {
      const values = arrays.floats(length);
      initial.push(() => fillFrom(values, scenario.seed, name, draw));
      return { name, values, gradients: arrays.floats(length) };
    },
  };
}

function fillFrom(
  values: FloatArray,
  seed: number,
  name: string,
  draw: (stream: RandomStream) => number,
): void {
  const key = { seed, rank: "all", trainingStep: "all", purpose: `initial ${name}` } as const;
  const stream = createRandomStream(key);
  for (let i = 0; i < values.length; i++) values[i] = draw(stream);
}
