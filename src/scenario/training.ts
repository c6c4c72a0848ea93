/**
 * Sequences of symbols with one marker among them, drawn from a training set with replacement. As activations,
 * every symbol is a channel; a network learns to tell the symbol behind the marker.
 */
export interface TokensSource {
  readonly source: "tokens";
  readonly samples: readonly number[];
  /** Symbols: the marker and one for each class. */
  readonly channels: number;
  /** Padded length: one position axis. */
  readonly positions: readonly [number];
  /** All lengths from `minLength` to `maxLength` are equally frequent. */
  readonly minLength: number;
  readonly maxLength: number;
  /** Different sequences in the training set, of equally frequent classes. */
  readonly trainingSamples: number;
  /** Which sequences a rank draws: any, or those of its share of the lengths, rank 0 the shortest. */
  readonly lengths: "shuffled" | "bucketed";
  /** false: padding takes part in the statistics, as in code that forgot the mask. */
  readonly masked: boolean;
}

/** Linear layers of these widths, each followed by the normaliser and a ReLU, and a linear layer to the classes. */
export interface MlpSpec {
  readonly kind: "mlp";
  readonly hidden: readonly number[];
}

/** Blocks of attention and feed-forward over tokens, each of which the normaliser takes as a sample. */
export interface TransformerSpec {
  readonly kind: "transformer";
  readonly blocks: number;
  /** Features of a token. */
  readonly width: number;
  /** Divides `width`. */
  readonly heads: number;
  /** Features inside a feed-forward sublayer. */
  readonly feedForward: number;
  /** Where each sublayer f has its normaliser: `pre` is x + f(norm(x)), `post` is norm(x + f(x)). */
  readonly placement: "pre" | "post";
}

export type NetworkSpec = MlpSpec | TransformerSpec;

/** How the learning rate falls over the steps: not at all, or as (1 + cos(π·step/steps))/2. */
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
