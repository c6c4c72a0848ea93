import { convolutionUnit } from "./convolution-unit.ts";
import { type FeatureMap, flatten } from "./feature-map.ts";
import type { Network } from "./network.ts";
import {
  activate,
  add,
  convolve,
  convolveTransposed,
  pool,
  poolRegions,
  project,
  upsample,
} from "./operations.ts";
import { type ResNetDepth, resNetStages, type Stages } from "./resnet.ts";

/** COCO, and detectron2's defaults (detectron2/config/defaults.py). */
const classes = 80;
const anchorsPerPosition = 3;
/** Regions of an image that the box head is trained on. */
const boxRegions = 512;
/** The foreground quarter of them, which the mask head is trained on: the most it can be. */
const maskRegions = boxRegions / 4;
const pyramidChannels = 256;

/**
 * Mask R-CNN on a feature pyramid, as one training step of detectron2 runs it with SyncBN: stem and
 * res2 (here layer1) frozen, batch normalisation in res3 to res5, in the pyramid and in both heads.
 * Anchors, proposals and losses are left out.
 *
 * @see https://github.com/facebookresearch/detectron2/blob/main/configs/Misc/mask_rcnn_R_50_FPN_3x_syncbn.yaml
 */
export function maskRcnn(network: Network, image: FeatureMap, depth: ResNetDepth): void {
  const variant = { stridesInFirst: true, frozenThrough: 1 };
  const levels = featurePyramid(network, resNetStages(network, image, depth, variant));
  const coarsest = pool(network, "pyramid.pool", levels[3], { kernel: 1, stride: 2 });
  proposeRegions(network, [...levels, coarsest]);
  boxHead(network, levels);
  maskHead(network, levels);
}

/** Levels from fine to coarse; built, as it runs, from the coarsest down. */
function featurePyramid(network: Network, stages: Stages): Stages {
  const levels: FeatureMap[] = [];
  let above: FeatureMap | undefined;
  for (const [i, stage] of [...stages.entries()].reverse()) {
    const name = `pyramid.${i + 2}`;
    const plain = { channels: pyramidChannels, isActivated: false };
    let x = convolutionUnit(network, `${name}.lateral`, stage, { ...plain, kernel: 1 });
    if (above !== undefined) {
      x = add(network, `${name}.add`, x, upsample(network, `${name}.upsample`, above, x));
    }
    above = x;
    levels.unshift(convolutionUnit(network, `${name}.output`, x, { ...plain, kernel: 3 }));
  }
  return levels as Stages;
}

function proposeRegions(network: Network, levels: readonly FeatureMap[]): void {
  network.onEachLevel(levels, (map) => {
    const conv = convolve(network, "proposals.conv", map, {
      channels: pyramidChannels,
      kernel: 3,
      bias: true,
    });
    const x = activate(network, "proposals.activation", conv);
    convolve(network, "proposals.objectness", x, { channels: anchorsPerPosition, kernel: 1, bias: true });
    convolve(network, "proposals.boxes", x, {
      channels: 4 * anchorsPerPosition,
      kernel: 1,
      bias: true,
    });
  });
}

function boxHead(network: Network, levels: Stages): void {
  let x = poolRegions(network, "box.pool", levels, { regions: boxRegions, side: 7 });
  for (let i = 1; i <= 4; i++) {
    x = convolutionUnit(network, `box.${i}`, x, { channels: pyramidChannels, kernel: 3 });
  }
  x = activate(network, "box.activation", project(network, "box.linear", flatten(x), { channels: 1024 }));
  project(network, "box.scores", x, { channels: classes + 1 });
  project(network, "box.boxes", x, { channels: 4 * classes });
}

function maskHead(network: Network, levels: Stages): void {
  let x = poolRegions(network, "mask.pool", levels, { regions: maskRegions, side: 14 });
  for (let i = 1; i <= 4; i++) {
    x = convolutionUnit(network, `mask.${i}`, x, { channels: pyramidChannels, kernel: 3 });
  }
  x = convolveTransposed(network, "mask.upsample", x, { channels: pyramidChannels, factor: 2 });
  x = activate(network, "mask.activation", x);
  convolve(network, "mask.classifier", x, { channels: classes, kernel: 1, bias: true });
}
