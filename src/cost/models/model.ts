/** What a layer computes. A softmax inside attention is part of `attention`. */
export type LayerKind =
  | "convolution"
  | "depthwise-convolution"
  | "linear"
  | "attention"
  | "embedding"
  | "batch-norm"
  | "frozen-batch-norm"
  | "layer-norm"
  | "activation"
  | "pooling"
  | "add"
  | "multiply"
  | "concatenate"
  | "upsample";

/**
 * One call of a layer, for one sample. A layer whose weights are used on several pyramid levels
 * is one call a level; its parameters are counted on the first, whose backward pass comes last.
 */
export interface Layer {
  /** Unique in its model; calls after the first of shared weights end in `[1]`, `[2]`, ... */
  readonly name: string;
  readonly kind: LayerKind;
  /** Channels of the output: what a normalisation keeps statistics of (batch) or reduces over (layer). */
  readonly channels: number;
  /** Positions of the output per sample: height x width, times regions; tokens. L of [N, C, L]. */
  readonly positions: number;
  /** Elements read per sample: all inputs together, without the parameters. */
  readonly inputElements: number;
  /** Elements written per sample: channels x positions. */
  readonly outputElements: number;
  readonly parameters: number;
  /** One sample, a multiply-add counted as 2. Only products with weights or between activations. */
  readonly forwardFlops: number;
  /** Whether the layer is left out of training: no backward pass, no gradient. */
  readonly isFrozen: boolean;
}

/** What one sample is: an image, or a sequence of tokens of `width` features. */
export type ModelInput =
  | { readonly channels: number; readonly height: number; readonly width: number }
  | { readonly tokens: number; readonly width: number };

/** What an estimate needs of a network. */
export interface ModelLayers {
  readonly name: string;
  /** In the order of the forward pass. */
  readonly layers: readonly Layer[];
  /** All parameters, those of frozen layers too. */
  readonly parameters: number;
}

/**
 * A network as the layers it calls, in the order of its forward pass. Left out: dropout and the like,
 * reshapes, losses, and what a detector does between its networks (anchors, proposals, matching).
 */
export interface Model extends ModelLayers {
  readonly input: ModelInput;
}
