import type { Progress } from "../collectives/communicator.ts";
import type { FloatArray } from "../kernels/kernels.ts";

/** What flows between layers: row-major [tokens, features], the [N, C, 1] of the kernels. In shared memory. */
export interface Activation {
  /** Samples × positions; sample-major. */
  readonly tokens: number;
  readonly features: number;
  readonly values: FloatArray;
  /** Gradient of the loss by `values`; null where nobody asks for it, as for the data. */
  readonly gradients: FloatArray | null;
}

/** An array that is trained. */
export interface Parameter {
  /** Unique in the network, such as `2.weight`. */
  readonly name: string;
  readonly values: FloatArray;
  /** Of the loss summed over this rank's tokens; until the ranks have reduced them. */
  readonly gradients: FloatArray;
}

/**
 * How a forward pass normalises: a training step uses the batch's statistics and remembers them, an
 * evaluation uses the batch's without remembering them, or the running ones.
 */
export type ForwardMode = "training" | "batch-statistics" | "running-statistics";

/** One operation of a network on one rank: its arrays are allocated when it is made. */
export interface Layer {
  readonly parameters: readonly Parameter[];
  readonly output: Activation;
  /** Writes `output.values` from the input's. */
  forward(mode: ForwardMode): Progress<void>;
  /** Overwrites the input's gradients and those of the parameters from `output.gradients`; after a forward pass. */
  backward(): Progress<void>;
}

/** The loss at the end of a network, summed over the valid tokens of this rank. */
export interface Loss {
  /** Writes the sums and the gradients of its input. */
  evaluate(): LossSums;
}

/** What a rank adds to the loss of the whole batch. */
export interface LossSums {
  /** In nats. */
  readonly loss: number;
  /** Tokens whose most probable class is wrong. */
  readonly errors: number;
  /** Valid tokens. */
  readonly tokens: number;
}

/** What a network learns: it fills the arrays that the network's first layer and loss read. */
export interface Task {
  /** The rank's microbatch of a training step, from its part of the training set. */
  drawMicrobatch(trainingStep: number): void;
  /** The rank's share of the test set's batch number `index`. */
  loadTestBatch(index: number): void;
}
