import type { Progress } from "../collectives/communicator.ts";
import type { TrainingEnvironment } from "./environment.ts";
import { type GradientReduction, gradientReduction } from "./gradient-reduction.ts";
import type { ForwardMode, LossSums } from "./layer.ts";
import { createNetwork, type Network } from "./network.ts";
import { createOptimizer, learningRateScale, type Optimizer } from "./optimizer.ts";

/** One rank's replica of the network, and how it learns. All ranks call its methods in the same order. */
export class Trainer {
  readonly network: Network;
  readonly #environment: TrainingEnvironment;
  readonly #reduction: GradientReduction;
  readonly #optimizer: Optimizer;

  constructor(environment: TrainingEnvironment) {
    const { arrays, training, storage } = environment;
    this.#environment = environment;
    this.network = createNetwork(environment);
    this.#reduction = gradientReduction(arrays, this.network.parameters, storage);
    this.#optimizer = createOptimizer(arrays, training.optimizer, this.network.parameters);
  }

  /** One training step: the rank's microbatch forward and backward, gradients over the world, an update. */
  *step(trainingStep: number): Progress<LossSums> {
    const environment = this.#environment;
    const { steps, optimizer } = environment.training;
    environment.enter(trainingStep, "data");
    this.network.task.drawMicrobatch(trainingStep);
    environment.enter(trainingStep, "forward");
    yield* this.#forward("training");
    const sums = this.network.loss.evaluate();
    environment.enter(trainingStep, "backward");
    for (const layer of [...this.network.layers].reverse()) yield* layer.backward();
    environment.enter(trainingStep, "updating");
    yield* this.#reduction.reduce(environment.world(), sums.tokens);
    this.#optimizer.update(learningRateScale(optimizer, trainingStep, steps));
    return sums;
  }

  /** The rank's share of a batch of the test set. Nothing is remembered. */
  *test(trainingStep: number, batch: number, mode: ForwardMode): Progress<LossSums> {
    this.#environment.enter(trainingStep, "evaluating");
    this.network.task.loadTestBatch(batch);
    yield* this.#forward(mode);
    return this.network.loss.evaluate();
  }

  *#forward(mode: ForwardMode): Progress<void> {
    for (const layer of this.network.layers) yield* layer.forward(mode);
  }
}
