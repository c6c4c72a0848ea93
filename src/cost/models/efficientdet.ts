import { assert } from "../../assert.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import { efficientNetStages } from "./efficientnet.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, convolve, normalize, pool, upsample } from "./operations.ts";

/** D0 of Table 1 of https://arxiv.org/abs/1911.09070, on COCO. */
const pyramidChannels = 64;
const pyramidRepeats = 3;
const headRepeats = 3;
const anchorsPerPosition = 9;
const classes = 90;
/** Levels 3 to 7. */
const levelCount = 5;

/**
 * EfficientDet-D0 as efficientdet-pytorch has it (no bias before a normalisation): EfficientNet-B0
 * without its head, a bidirectional pyramid, and heads that share their convolutions between the
 * levels but have a normalisation of their own on each. Anchors and losses are left out.
 *
 * @see https://github.com/rwightman/efficientdet-pytorch/blob/master/effdet/efficientdet.py
 */
export function efficientDetD0(network: Network, image: FeatureMap): void {
  const stages = efficientNetStages(network, image, { width: 1, depth: 1 });
  const [third, fourth, fifth] = [stages[2]!, stages[4]!, stages[6]!];
  const sixth = halve(network, "pyramid.6", toPyramid(network, "pyramid.6", fifth));
  let levels = [third, fourth, fifth, sixth, halve(network, "pyramid.7", sixth)];
  for (let i = 0; i < pyramidRepeats; i++) levels = bidirectionalPyramid(network, `pyramid${i}`, levels);
  head(network, "classes", levels, classes * anchorsPerPosition);
  head(network, "boxes", levels, 4 * anchorsPerPosition);
}

/** Down from coarse to fine and up again; a level between the ends also sees its own input on the way up. */
function bidirectionalPyramid(network: Network, name: string, levels: readonly FeatureMap[]): FeatureMap[] {
  assert(levels.length === levelCount, `${name}: ${levels.length} levels`);
  const down = [...levels];
  for (let i = levelCount - 2; i >= 0; i--) {
    const node = `${name}.down${i + 3}`;
    const own = toPyramid(network, `${node}.own`, levels[i]!);
    down[i] = fuse(network, node, own, upsample(network, `${node}.upsample`, down[i + 1]!, own));
  }
  const up = [down[0]!];
  for (let i = 1; i < levelCount; i++) {
    const node = `${name}.up${i + 3}`;
    const own = toPyramid(network, `${node}.own`, levels[i]!);
    const passed = i === levelCount - 1 ? [] : [down[i]!];
    up.push(fuse(network, node, own, ...passed, halve(network, node, up[i - 1]!)));
  }
  return up;
}

/** A weighted sum of maps, one weight a map, then activation and a separable convolution. */
function fuse(network: Network, name: string, first: FeatureMap, ...rest: FeatureMap[]): FeatureMap {
  const inputs = [first, ...rest];
  const sum = network.call({
    name: `${name}.fuse`,
    kind: "add",
    inputs,
    output: first,
    parameters: inputs.length,
  });
  const x = depthwise(network, `${name}.depthwise`, activate(network, `${name}.activation`, sum));
  return convolutionUnit(network, `${name}.pointwise`, x, {
    channels: pyramidChannels,
    kernel: 1,
    isActivated: false,
  });
}

function head(network: Network, name: string, levels: readonly FeatureMap[], channels: number): void {
  network.onEachLevel(levels, (map, level) => {
    let x = map;
    for (let i = 0; i < headRepeats; i++) {
      x = depthwise(network, `${name}.${i}.depthwise`, x);
      x = convolve(network, `${name}.${i}.pointwise`, x, { channels: pyramidChannels, kernel: 1 });
      x = normalize(network, `${name}.${i}.norm${level + 3}`, x, "batch-norm");
      x = activate(network, `${name}.${i}.activation`, x);
    }
    x = depthwise(network, `${name}.last.depthwise`, x);
    convolve(network, `${name}.last.pointwise`, x, { channels, kernel: 1, bias: true });
  });
}

function depthwise(network: Network, name: string, x: FeatureMap): FeatureMap {
  return convolve(network, name, x, { channels: x.channels, kernel: 3, groups: x.channels });
}

/** The backbone's levels come with their own channels. */
function toPyramid(network: Network, name: string, x: FeatureMap): FeatureMap {
  const projection = { channels: pyramidChannels, kernel: 1, isActivated: false };
  return x.channels === pyramidChannels ? x : convolutionUnit(network, `${name}.project`, x, projection);
}

function halve(network: Network, name: string, x: FeatureMap): FeatureMap {
  return pool(network, `${name}.pool`, x, { kernel: 3, stride: 2, padding: 1 });
}
