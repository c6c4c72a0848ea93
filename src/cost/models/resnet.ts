import { classify } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, add, type BatchNormKind, pool } from "./operations.ts";

/** How deep the four stages are, and of which block. */
export interface ResNetDepth {
  readonly block: "basic" | "bottleneck";
  readonly blocks: readonly [number, number, number, number];
}

/** What the backbones of detectors and segmenters change. */
export interface ResNetVariant {
  /** Stages from this one on, of 1 to 4, do not stride but dilate their 3x3 convolutions; absent: none. */
  readonly dilatedFrom?: number;
  /** Whether a bottleneck strides in its first 1x1 convolution (He et al.), not in the 3x3 (torchvision). */
  readonly stridesInFirst?: boolean;
  /** The last stage that is not trained, the stem counting as 0; absent: all are. */
  readonly frozenThrough?: number;
}

/** The ResNets of the paper. */
export type ResNetName = "resnet18" | "resnet34" | "resnet50" | "resnet101" | "resnet152";

/** Depths of Table 1 of https://arxiv.org/abs/1512.03385. */
export const resNetDepths: Readonly<Record<ResNetName, ResNetDepth>> = {
  resnet18: { block: "basic", blocks: [2, 2, 2, 2] },
  resnet34: { block: "basic", blocks: [3, 4, 6, 3] },
  resnet50: { block: "bottleneck", blocks: [3, 4, 6, 3] },
  resnet101: { block: "bottleneck", blocks: [3, 4, 23, 3] },
  resnet152: { block: "bottleneck", blocks: [3, 8, 36, 3] },
};

/** ResNet as torchvision has it (v1.5), with 1000 classes. */
export function resNet(network: Network, image: FeatureMap, depth: ResNetDepth): void {
  const [, , , last] = resNetStages(network, image, depth, {});
  classify(network, last);
}

/** The outputs of the four stages, from fine to coarse. */
export type Stages = [FeatureMap, FeatureMap, FeatureMap, FeatureMap];

/** A ResNet up to where a classifier, or something else, goes on. */
export function resNetStages(
  network: Network,
  image: FeatureMap,
  { block, blocks }: ResNetDepth,
  { dilatedFrom = Infinity, stridesInFirst = false, frozenThrough = -Infinity }: ResNetVariant,
): Stages {
  const build = (stage: number, layers: (norm: BatchNormKind) => FeatureMap): FeatureMap =>
    stage <= frozenThrough ? network.frozen(() => layers("frozen-batch-norm")) : layers("batch-norm");
  const residual = block === "basic" ? basicBlock : bottleneck;
  let x = build(0, (norm) => {
    const y = convolutionUnit(network, "stem", image, { channels: 64, kernel: 7, stride: 2, norm });
    return pool(network, "stem.pool", y, { kernel: 3, stride: 2, padding: 1 });
  });
  const stages = blocks.map((count, index) => {
    const isStrided = index > 0 && index + 1 < dilatedFrom;
    x = build(index + 1, (norm) => {
      let y = x;
      for (let i = 0; i < count; i++) {
        const stride = isStrided && i === 0 ? 2 : 1;
        const shape = { width: 64 * 2 ** index, stride, stridesInFirst, norm };
        y = residual(network, `layer${index + 1}.${i}`, y, shape);
      }
      return y;
    });
    return x;
  });
  return stages as Stages;
}

/** One residual block: the channels inside, and what happens to the size. */
export interface BlockShape {
  readonly width: number;
  readonly stride?: number;
  readonly norm?: BatchNormKind;
}

/** Two 3x3 convolutions around which the input goes by. */
export function basicBlock(
  network: Network,
  name: string,
  x: FeatureMap,
  { width, stride = 1, norm = "batch-norm" }: BlockShape,
): FeatureMap {
  const inner = convolutionUnit(network, `${name}.1`, x, { channels: width, kernel: 3, stride, norm });
  const y = convolutionUnit(network, `${name}.2`, inner, {
    channels: width,
    kernel: 3,
    norm,
    isActivated: false,
  });
  return joinShortcut(network, name, x, y, { stride, norm });
}

/** 1x1, 3x3 and 1x1 convolutions, the last to four times the width, around which the input goes by. */
export function bottleneck(
  network: Network,
  name: string,
  x: FeatureMap,
  shape: BlockShape & { readonly stridesInFirst?: boolean },
): FeatureMap {
  const { width, stride = 1, norm = "batch-norm", stridesInFirst = false } = shape;
  const [first, second] = stridesInFirst ? [stride, 1] : [1, stride];
  const narrow = convolutionUnit(network, `${name}.1`, x, {
    channels: width,
    kernel: 1,
    stride: first,
    norm,
  });
  const inner = { channels: width, kernel: 3, stride: second, norm };
  const mixed = convolutionUnit(network, `${name}.2`, narrow, inner);
  const outer = { channels: 4 * width, kernel: 1, norm, isActivated: false };
  return joinShortcut(network, name, x, convolutionUnit(network, `${name}.3`, mixed, outer), {
    stride,
    norm,
  });
}

/** Add what went by, projected where the shape changed, and activate. */
function joinShortcut(
  network: Network,
  name: string,
  x: FeatureMap,
  y: FeatureMap,
  { stride, norm }: { stride: number; norm: BatchNormKind },
): FeatureMap {
  const isSame = stride === 1 && x.channels === y.channels;
  const projection = { channels: y.channels, kernel: 1, stride, norm, isActivated: false };
  const shortcut = isSame ? x : convolutionUnit(network, `${name}.shortcut`, x, projection);
  return activate(network, `${name}.activation`, add(network, `${name}.add`, y, shortcut));
}
