import { describe, expect, test } from "vitest";
import { buildModel } from "../src/cost/models/registry.ts";

/** The calls of batch normalisation that are trained: one collective each way where it is synchronised. */
const batchNorms = (name: string) => buildModel(name).layers.filter(({ kind }) => kind === "batch-norm");

/** How many of them there are in each part of the model. */
function callsByPart(name: string, part: RegExp): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of batchNorms(name)) {
    const key = part.exec(call.name)![0];
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const channelsOf = (name: string): number =>
  batchNorms(name).reduce((sum, { channels }) => sum + channels, 0);

const float32Bytes = 4;

/** Calls and channels of the bottleneck ResNets, in closed form from the depths of their four stages. */
function bottlenecks(...depths: number[]): { calls: number; channels: number } {
  let [calls, channels] = [1, 64];
  for (const [i, depth] of depths.entries()) {
    const width = 64 * 2 ** i;
    calls += 3 * depth + 1;
    channels += depth * (width + width + 4 * width) + 4 * width;
  }
  return { calls, channels };
}

/** [expansion, channels, repeats] of each stage. */
type Stages = [expansion: number, channels: number, repeats: number][];

/** The same for stages of inverted residuals between a stem and a last convolution. */
function invertedResiduals(stem: number, stages: Stages, last: number): { calls: number; channels: number } {
  let [calls, channels, incoming] = [2, stem + last, stem];
  for (const [expansion, outgoing, repeats] of stages) {
    for (let i = 0; i < repeats; i++) {
      const inside = expansion === 1 ? 1 : 2;
      calls += inside + 1;
      channels += inside * expansion * incoming + outgoing;
      incoming = outgoing;
    }
  }
  return { calls, channels };
}

describe("batch normalisation", () => {
  test("resnet50 calls 53 of 26,560 channels", () => {
    expect(bottlenecks(3, 4, 6, 3)).toEqual({ calls: 53, channels: 26_560 });
    expect(batchNorms("resnet50")).toHaveLength(53);
    expect(channelsOf("resnet50")).toBe(26_560);
  });

  test("resnet152 calls 155", () => {
    // Also https://github.com/pytorch/pytorch/issues/50548, which measures it.
    expect(bottlenecks(3, 8, 36, 3)).toEqual({ calls: 155, channels: 75_712 });
    expect(batchNorms("resnet152")).toHaveLength(155);
    expect(channelsOf("resnet152")).toBe(75_712);
  });

  test("mobilenetv2 calls 52 of 17,056 channels", () => {
    // Table 2 of https://arxiv.org/abs/1801.04381.
    const stages: Stages = [
      [1, 16, 1],
      [6, 24, 2],
      [6, 32, 3],
      [6, 64, 4],
      [6, 96, 3],
      [6, 160, 3],
      [6, 320, 1],
    ];
    expect(invertedResiduals(32, stages, 1280)).toEqual({ calls: 52, channels: 17_056 });
    expect(batchNorms("mobilenetv2")).toHaveLength(52);
    expect(channelsOf("mobilenetv2")).toBe(17_056);
  });

  test("efficientnet-b3 calls 78 of 43,648 channels", () => {
    // B0 of https://arxiv.org/abs/1905.11946, scaled by hand: channels x 1.2 to the nearest multiple
    // of 8, repeats x 1.4 rounded up.
    const stages: Stages = [
      [1, 24, 2],
      [6, 32, 3],
      [6, 48, 3],
      [6, 96, 5],
      [6, 136, 5],
      [6, 232, 6],
      [6, 384, 2],
    ];
    expect(invertedResiduals(40, stages, 1536)).toEqual({ calls: 78, channels: 43_648 });
    expect(batchNorms("efficientnet-b3")).toHaveLength(78);
    expect(channelsOf("efficientnet-b3")).toBe(43_648);
  });

  test("hrnet-w18 calls 325", () => {
    // Hand: an exchange module over b branches has 8 calls a branch, one for each way up, and i - j
    // for each way down from j to i.
    const module = (branches: number): number => {
      let calls = 8 * branches;
      for (let i = 0; i < branches; i++) for (let j = 0; j < branches; j++) calls += j > i ? 1 : i - j;
      return calls;
    };
    const [stem, firstStage, transitions, head] = [2, 4 * 3 + 1, 2 + 1 + 1, 4 * 4 + 3 + 1];
    const want = stem + firstStage + transitions + module(2) + 4 * module(3) + 3 * module(4) + head;
    expect(want).toBe(325);
    expect(batchNorms("hrnet-w18")).toHaveLength(want);
  });

  test("densenet121 calls 121: one for each of its 120 convolutions, and one at the end", () => {
    // Hand: the 121 layers it is named for are a stem, 58 pairs, 3 transitions and a classifier.
    expect(batchNorms("densenet121")).toHaveLength(121);
  });

  test("mask-rcnn-r50-fpn calls 58: 42 in res3 to res5, 8 in the pyramid, 4 in each head", () => {
    const counts = callsByPart("mask-rcnn-r50-fpn", /^[a-z]+\d?/);
    // Hand: three a block and one a shortcut, in stages of 4, 6 and 3 blocks.
    const stages = { layer2: 3 * 4 + 1, layer3: 3 * 6 + 1, layer4: 3 * 3 + 1 };
    expect(counts).toEqual({ ...stages, pyramid: 8, box: 4, mask: 4 });
    expect(batchNorms("mask-rcnn-r50-fpn")).toHaveLength(58);
  });

  test("mask-rcnn-r50-fpn normalises its heads over all regions of an image", () => {
    // detectron2's defaults: 512 regions of 7 x 7 for the boxes, a quarter, of 14 x 14, for the masks.
    const calls = batchNorms("mask-rcnn-r50-fpn");
    expect(calls.find(({ name }) => name === "box.1.norm")!.positions).toBe(512 * 7 * 7);
    expect(calls.find(({ name }) => name === "mask.1.norm")!.positions).toBe(128 * 14 * 14);
  });

  test("efficientdet-d0 calls 108: 48 in the backbone, 30 in the pyramid, 15 in each head", () => {
    // Hand: B0 has 49 with its head; 6 projections to 64 channels and 8 nodes in 3 pyramids; 3
    // repeats on 5 levels, each with a normalisation of its own although the convolutions are shared.
    const counts = callsByPart("efficientdet-d0", /^[a-z]+/);
    expect(counts).toEqual({ stem: 1, stage: 47, pyramid: 6 + 8 * 3, classes: 3 * 5, boxes: 3 * 5 });
    expect(batchNorms("efficientdet-d0").every(({ parameters }) => parameters > 0)).toBe(true);
  });

  test("the transformers have 25 normalisations of 768 features over all their tokens", () => {
    // Hand: two a block, and one at the end; 14 x 14 patches and a class token.
    const norms = (name: string) => buildModel(name).layers.filter(({ kind }) => kind.endsWith("-norm"));
    const shape = (name: string) =>
      norms(name).map(({ kind, channels, positions }) => [kind, channels, positions]);
    expect(shape("vit-b16")).toEqual(Array(25).fill(["layer-norm", 768, 197]));
    expect(shape("vit-b16-bn")).toEqual(Array(25).fill(["batch-norm", 768, 197]));
    expect(shape("gpt2-small")).toEqual(Array(25).fill(["layer-norm", 768, 1024]));
  });
});

describe("what PyTorch's SyncBN sends for resnet50", () => {
  // torch/nn/modules/_functions.py: mean, 1/standard deviation and a count forward; two sums backward.
  test("is 212,692 B forward", () => {
    const bytes = batchNorms("resnet50").map(({ channels }) => (2 * channels + 1) * float32Bytes);
    expect(bytes.reduce((a, b) => a + b)).toBe(212_692);
  });

  test("is 212,480 B backward", () => {
    const bytes = batchNorms("resnet50").map(({ channels }) => 2 * channels * float32Bytes);
    expect(bytes.reduce((a, b) => a + b)).toBe(212_480);
  });
});
