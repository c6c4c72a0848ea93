/** Linear layers of these widths, each followed by the normaliser and a ReLU, and a linear layer to the classes. */
export interface MlpSpec {
  readonly kind: "mlp";
  readonly hidden: readonly number[];
}

export type NetworkSpec = MlpSpec;

/** How the learning rate falls over the steps: not at all, or as a quarter of a cosine squared towards 0. */
export type LearningRateSchedule = "constant" | "cosine";

/** v ← momentum·v + g, w ← w − learningRate·v, as in PyTorch: without dampening, the first v is g. */
export interface SgdSpec {
  readonly type: "sgd";
  readonly learningRate: number;
  readonly momentum: number;
  readonly schedule: LearningRateSchedule;
}

/** Kingma, Ba (2015), arXiv 1412.6980, with the bias correction in the order of PyTorch. */
export interface AdamSpec {
  readonly type: "adam";
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly schedule: LearningRateSchedule;
}

export type OptimizerSpec = SgdSpec | AdamSpec;

/** A network that learns on the simulated ranks, once with each normaliser from the same weights and draws. */
export interface TrainingSpec {
  readonly network: NetworkSpec;
  readonly steps: number;
  readonly optimizer: OptimizerSpec;
  /** The test set has at least this many samples: as many as fill batches of the world's size. */
  readonly testSamples: number;
  /** Steps between two points of the curves; the last step is always one. */
  readonly evaluateEvery: number;
}
