import type { TokensSource } from "./training.ts";

interface Shape {
  /** Samples on each rank (one number per rank, equal on the ranks of one data coordinate); 0 is an empty rank. */
  readonly samples: readonly number[];
  readonly channels: number;
  /** Extents of the position axes, row-major; [] is one position. */
  readonly positions: readonly number[];
}

/** x ~ N(mean, std²), channels spread, positions of one sample equally correlated. */
export interface GaussianSource extends Shape {
  readonly source: "gaussian";
  readonly mean: number;
  readonly std: number;
  /** Standard deviation, in units of std, of the channels' means; their stds vary log-normally by as much. */
  readonly channelSpread: number;
  /** Correlation ρ in [0, 1) between any two positions of one sample and channel. */
  readonly positionCorrelation: number;
  /** How far the mean moves with every training step, in units of std; it stands still in an evaluation. */
  readonly drift: number;
}

/** x = mean + std · t, t Student with `degreesOfFreedom` (> 2), scaled to variance 1. */
export interface HeavyTailedSource extends Shape {
  readonly source: "heavy-tailed";
  readonly mean: number;
  readonly std: number;
  readonly degreesOfFreedom: number;
}

/** Each rank draws its class probabilities from a Dirichlet; each class has its own mean per channel. */
export interface LabelSkewSource extends Shape {
  readonly source: "label-skew";
  readonly classes: number;
  /** Total concentration α₀ of the symmetric Dirichlet (α₀/classes per class); small is skewed. */
  readonly concentration: number;
  /** Standard deviation of the class means. */
  readonly classSpread: number;
  /** Standard deviation inside a class. */
  readonly std: number;
}

/** Variable-length sequences, padded with zeros to `positions`; the mask marks the valid tokens. */
export interface SequencesSource {
  readonly source: "sequences";
  readonly samples: readonly number[];
  readonly channels: number;
  /** Padded length: one position axis. */
  readonly positions: readonly [number];
  /** Lengths are uniform in [minLength, maxLength], maxLength <= positions. */
  readonly minLength: number;
  readonly maxLength: number;
  readonly mean: number;
  readonly std: number;
  /** false: padding takes part in the statistics, as in code that forgot the mask. */
  readonly masked: boolean;
}

/** Digits of 8x8 pixels, every pixel a channel, drawn from a training set with replacement. */
export interface ImagesSource extends Shape {
  readonly source: "images";
  /** Different images in the training set, of equally frequent classes. */
  readonly trainingSamples: number;
  /** Which a rank draws: any, those of class rank mod 10, or of classes by shares from a Dirichlet. */
  readonly labels: "shuffled" | "one-class" | { readonly concentration: number };
  /** Share of the training images whose label is drawn anew, from all classes. */
  readonly labelNoise: number;
}

/** Activations somebody saved with NumPy, one file per rank, [N, C, ...positions]. */
export interface NpySource {
  readonly source: "npy";
  /** Paths relative to the scenario file. */
  readonly files: readonly string[];
  /** dy, same shapes as `files`; absent: dy is drawn from N(0, 1). */
  readonly gradients?: readonly string[];
  /** Valid positions, [N, ...positions], nonzero is valid. */
  readonly mask?: readonly string[];
}

/** Activations somebody saved as safetensors: the tensors that .npy files would hold. */
export interface SafetensorsSource {
  readonly source: "safetensors";
  /** One file for each rank, or one for all; paths relative to the scenario file. */
  readonly files: readonly string[];
  /** Names, in which `{rank}` stands for the rank. */
  readonly tensors: {
    /** [N, C, ...positions]. */
    readonly x: string;
    /** Of the same shape; absent: dy is drawn from N(0, 1). */
    readonly dy?: string;
    /** Valid positions, [N, ...positions], nonzero is valid. */
    readonly mask?: string;
  };
}

/** Moments of activations that somebody took where they were: JSONL, a line for each step, rank and layer. */
export interface MomentsSource {
  readonly source: "moments";
  /** Together they hold every rank; paths relative to the scenario file. */
  readonly files: readonly string[];
  /** Whose lines are read; absent: that of the only layer there is. */
  readonly layer?: string;
}

export type FileSource = NpySource | SafetensorsSource | MomentsSource;

export type SyntheticSource =
  | GaussianSource
  | HeavyTailedSource
  | LabelSkewSource
  | SequencesSource
  | ImagesSource
  | TokensSource;
export type DataSource = SyntheticSource | FileSource;

/** Whether the data of a scenario come from files that it names. */
export function isFileSource<T extends { readonly source: string }>(
  data: T,
): data is Extract<T, { readonly source: FileSource["source"] }> {
  return data.source === "npy" || data.source === "safetensors" || data.source === "moments";
}
