import type { FloatArray } from "../kernels/kernels.ts";
import { cosine } from "../scenario/elementary-functions.ts";
import type { AdamSpec, OptimizerSpec, SgdSpec } from "../scenario/training.ts";
import type { Parameter } from "./layer.ts";
import type { ArraySource } from "./layer-context.ts";

/** Moves parameters along their gradients. Its state is of the storage type; arithmetic is float64. */
export interface Optimizer {
  /** One update at a learning rate of `scale` times the optimizer's own. */
  update(scale: number): void;
}

/** The optimizer of a scenario, over all parameters of a rank. */
export function createOptimizer(
  arrays: ArraySource,
  spec: OptimizerSpec,
  parameters: readonly Parameter[],
): Optimizer {
  return spec.type === "sgd" ? sgd(arrays, spec, parameters) : adam(arrays, spec, parameters);
}

/** The share of the learning rate that step `step` of `steps` has, counted from 0. */
export function learningRateScale({ schedule }: OptimizerSpec, step: number, steps: number): number {
  return schedule === "constant" ? 1 : (1 + cosine((Math.PI * step) / steps)) / 2;
}

/** @see torch.optim.SGD */
function sgd(arrays: ArraySource, spec: SgdSpec, parameters: readonly Parameter[]): Optimizer {
  const velocities = parameters.map(({ values }) => arrays.floats(values.length));
  return {
    update(scale) {
      const learningRate = scale * spec.learningRate;
      for (const [index, { values, gradients }] of parameters.entries()) {
        const velocity = velocities[index]!;
        for (let i = 0; i < values.length; i++) {
          velocity[i] = spec.momentum * velocity[i]! + gradients[i]!;
          values[i] = values[i]! - learningRate * velocity[i]!;
        }
      }
    },
  };
}

/** @see torch.optim.Adam */
function adam(arrays: ArraySource, spec: AdamSpec, parameters: readonly Parameter[]): Optimizer {
  const { beta1, beta2, epsilon } = spec;
  const room = (): FloatArray[] => parameters.map(({ values }) => arrays.floats(values.length));
  const [means, squares] = [room(), room()];
  const decay = { mean: 1, square: 1 };
  return {
    update(scale) {
      decay.mean *= beta1;
      decay.square *= beta2;
      const stepLength = (scale * spec.learningRate) / (1 - decay.mean);
      const correction = Math.sqrt(1 - decay.square);
      for (const [index, { values, gradients }] of parameters.entries()) {
        const [mean, square] = [means[index]!, squares[index]!];
        for (let i = 0; i < values.length; i++) {
          const g = gradients[i]!;
          mean[i] = beta1 * mean[i]! + (1 - beta1) * g;
          square[i] = beta2 * square[i]! + (1 - beta2) * g * g;
          values[i] = values[i]! - (stepLength * mean[i]!) / (Math.sqrt(square[i]!) / correction + epsilon);
        }
      }
    },
  };
}
