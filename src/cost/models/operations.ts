import { assert } from "../../assert.ts";
import { elementsOf, type FeatureMap, positionsOf, slide } from "./feature-map.ts";
import type { Network } from "./network.ts";

/** What a convolution may set; the rest are PyTorch's defaults, with padding that keeps the kernel centred. */
export interface Convolution {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

/** Convolve; depthwise where every channel is a group of its own. */
export function convolve(network: Network, name: string, x: FeatureMap, options: Convolution): FeatureMap {
  const { channels, kernel, stride = 1, groups = 1, bias = false } = options;
  const padding = options.padding ?? (kernel - 1) / 2;
  assert(x.channels % groups === 0, `${name}: ${groups} groups of ${x.channels} channels`);
  const output = slide(x, { kernel, stride, padding }, channels);
  const weights = channels * (x.channels / groups) * kernel ** 2;
  return network.call({
    name,
    kind: groups > 1 && groups === x.channels ? "depthwise-convolution" : "convolution",
    inputs: [x],
    output,
    parameters: weights + (bias ? channels : 0),
    forwardFlops: 2 * weights * positionsOf(output),
  });
}

/** Transposed convolution with bias whose windows do not overlap: kernel equals stride. */
export function convolveTransposed(
  network: Network,
  name: string,
  x: FeatureMap,
  { channels, factor }: { channels: number; factor: number },
): FeatureMap {
  const weights = x.channels * channels * factor ** 2;
  return network.call({
    name,
    kind: "convolution",
    inputs: [x],
    output: { ...x, channels, height: x.height * factor, width: x.width * factor },
    parameters: weights + channels,
    forwardFlops: 2 * weights * positionsOf(x),
  });
}

/** A linear layer on the channels of every position. */
export function project(
  network: Network,
  name: string,
  x: FeatureMap,
  { channels, bias = true }: { channels: number; bias?: boolean },
): FeatureMap {
  const weights = x.channels * channels;
  return network.call({
    name,
    kind: "linear",
    inputs: [x],
    output: { ...x, channels },
    parameters: weights + (bias ? channels : 0),
    forwardFlops: 2 * weights * positionsOf(x),
  });
}

/** Batch normalisation, or what is left of it when its statistics and weights are constants. */
export type BatchNormKind = "batch-norm" | "frozen-batch-norm";

/** Normalise: weight and bias per channel, none where they are constants. */
export function normalize(
  network: Network,
  name: string,
  x: FeatureMap,
  kind: BatchNormKind | "layer-norm",
): FeatureMap {
  const parameters = kind === "frozen-batch-norm" ? 0 : 2 * x.channels;
  return network.call({ name, kind, inputs: [x], output: x, parameters });
}

/** An elementwise non-linearity. */
export function activate(network: Network, name: string, x: FeatureMap): FeatureMap {
  return network.call({ name, kind: "activation", inputs: [x], output: x });
}

/** Pool over a sliding window. */
export function pool(
  network: Network,
  name: string,
  x: FeatureMap,
  { kernel, stride, padding = 0 }: { kernel: number; stride: number; padding?: number },
): FeatureMap {
  const output = slide(x, { kernel, stride, padding }, x.channels);
  return network.call({ name, kind: "pooling", inputs: [x], output });
}

/** Pool to a map of `side` x `side`, whatever the size of the input. */
export function poolTo(network: Network, name: string, x: FeatureMap, side: number): FeatureMap {
  return network.call({ name, kind: "pooling", inputs: [x], output: { ...x, height: side, width: side } });
}

/** Regions of interest cut out of the levels of a pyramid, `side` x `side` each. */
export function poolRegions(
  network: Network,
  name: string,
  levels: readonly [FeatureMap, ...FeatureMap[]],
  { regions, side }: { regions: number; side: number },
): FeatureMap {
  const output = { channels: levels[0].channels, height: side, width: side, regions };
  return network.call({ name, kind: "pooling", inputs: levels, output });
}

/** Add maps of one shape. */
export function add(network: Network, name: string, ...inputs: [FeatureMap, ...FeatureMap[]]): FeatureMap {
  const [first] = inputs;
  for (const input of inputs) {
    const isAlike = input.channels === first.channels && positionsOf(input) === positionsOf(first);
    assert(isAlike, `${name}: adds ${describe(input)} to ${describe(first)}`);
  }
  return network.call({ name, kind: "add", inputs, output: first });
}

/** Scale every channel by a gate of one number a channel. */
export function gate(network: Network, name: string, x: FeatureMap, gates: FeatureMap): FeatureMap {
  assert(elementsOf(gates) === x.channels, `${name}: ${describe(gates)} gates ${describe(x)}`);
  return network.call({ name, kind: "multiply", inputs: [x, gates], output: x });
}

/** Join maps along the channels. */
export function concatenate(
  network: Network,
  name: string,
  ...inputs: [FeatureMap, ...FeatureMap[]]
): FeatureMap {
  const channels = inputs.reduce((sum, input) => sum + input.channels, 0);
  return network.call({ name, kind: "concatenate", inputs, output: { ...inputs[0], channels } });
}

/** Interpolate to a height and a width. */
export function upsample(
  network: Network,
  name: string,
  x: FeatureMap,
  { height, width }: { height: number; width: number },
): FeatureMap {
  return network.call({ name, kind: "upsample", inputs: [x], output: { ...x, height, width } });
}

/**
 * Attention between all tokens, given query, key and value side by side. Fused: the tokens x tokens
 * scores are never written. Every score is counted, those that a causal mask hides too.
 */
export function attend(network: Network, name: string, queryKeyValue: FeatureMap): FeatureMap {
  const channels = queryKeyValue.channels / 3;
  const tokens = positionsOf(queryKeyValue);
  const forwardFlops = 2 * (2 * tokens ** 2 * channels);
  return network.call({
    name,
    kind: "attention",
    inputs: [queryKeyValue],
    output: { ...queryKeyValue, channels },
    forwardFlops,
  });
}

function describe({ channels, height, width, regions }: FeatureMap): string {
  return `[${regions} x ${channels}, ${height}, ${width}]`;
}
