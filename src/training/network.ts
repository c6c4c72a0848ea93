import type { Layer, Loss, Parameter } from "./layer.ts";
import type { Normalization } from "./layers/normalization.ts";

/** A rank's network, on the arrays of its batch. */
export interface Network {
  /** In the order of the forward pass. */
  readonly layers: readonly Layer[];
  /** In the order of the layers, which is the order of the gradient payload. */
  readonly parameters: readonly Parameter[];
  /** In the order of the forward pass; parts of `layers`. */
  readonly normalizations: readonly Normalization[];
  readonly loss: Loss;
  readonly task: Task;
}

/** What a network learns: it fills the arrays that the network's first layer and loss read. */
export interface Task {
  /** The rank's microbatch of a training step, from its part of the training set. */
  drawMicrobatch(trainingStep: number): void;
  /** The rank's share of the test set's batch number `index`. */
  loadTestBatch(index: number): void;
}
