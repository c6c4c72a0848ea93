import { describe, expect, test } from "vitest";
import type { Layer, Model } from "../src/cost/models/model.ts";
import { buildModel, modelNames } from "../src/cost/models/registry.ts";
import { ScenarioError } from "../src/errors.ts";

const sum = (layers: readonly Layer[], of: (layer: Layer) => number): number =>
  layers.reduce((total, layer) => total + of(layer), 0);

/** Multiply-adds of one forward pass in units of 1e9: what torchvision, timm and the papers print. */
const billionMultiplyAdds = ({ layers }: { layers: readonly Layer[] }): number =>
  sum(layers, ({ forwardFlops }) => forwardFlops) / 2e9;

/**
 * `num_params` and `_ops` of the weights in torchvision, which its documentation prints a page a
 * model: https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.resnet50.html
 * and alike. [name here, parameters, 1e9 multiply-adds rounded to 3 decimals].
 */
const torchvision: [name: string, parameters: number, multiplyAdds: number][] = [
  ["resnet18", 11_689_512, 1.814],
  ["resnet34", 21_797_672, 3.664],
  ["resnet50", 25_557_032, 4.089],
  ["resnet101", 44_549_160, 7.801],
  ["resnet152", 60_192_808, 11.514],
  ["mobilenetv2", 3_504_872, 0.301],
  ["efficientnet-b0", 5_288_548, 0.386],
  ["efficientnet-b1", 7_794_184, 0.687],
  ["efficientnet-b3", 12_233_232, 1.827],
  ["efficientnet-b4", 19_341_616, 4.394],
  ["efficientnet-b5", 30_389_784, 10.266],
  ["efficientnet-b6", 43_040_704, 19.068],
  ["efficientnet-b7", 66_347_960, 37.746],
  ["vgg11-bn", 132_868_840, 7.609],
  ["vgg13-bn", 133_053_736, 11.308],
  ["vgg16-bn", 138_365_992, 15.47],
  ["vgg19-bn", 143_678_248, 19.632],
  ["densenet121", 7_978_856, 2.834],
  ["vit-b16", 86_567_656, 17.564],
  // With its auxiliary classifier, on 520 x 520.
  ["deeplabv3-r101", 60_996_202, 258.743],
];

describe("torchvision", () => {
  for (const [name, parameters, multiplyAdds] of torchvision) {
    test(`${name} has as many parameters and multiply-adds as published`, () => {
      const model = buildModel(name);
      expect(model.parameters).toBe(parameters);
      expect(billionMultiplyAdds(model)).toBeCloseTo(multiplyAdds, 3);
    });
  }

  test("efficientnet-b2 does too, on the 288 x 288 that torchvision evaluates it on", () => {
    const model = buildModel("efficientnet-b2", { height: 288, width: 288 });
    expect(model.parameters).toBe(9_109_994);
    expect(billionMultiplyAdds(model)).toBeCloseTo(1.088, 3);
  });

  test("efficientnet-b2 takes the paper's 1.0 billion multiply-adds on the paper's 260 x 260", () => {
    // Table 2 of https://arxiv.org/abs/1905.11946 (its "FLOPS" are multiply-adds).
    const model = buildModel("efficientnet-b2");
    expect(model.input).toEqual({ channels: 3, height: 260, width: 260 });
    expect(billionMultiplyAdds(model)).toBeCloseTo(1.0, 1);
  });
});

describe("hrnet-w18", () => {
  const model = buildModel("hrnet-w18");

  test("has as many parameters as published", () => {
    // https://github.com/osmr/imgclsmob, pytorchcv and tf2cv hrnetv2_w18: weight_count == 21299004;
    // https://huggingface.co/timm/hrnet_w18.ms_aug_in1k: 21.3 M.
    expect(model.parameters).toBe(21_299_004);
  });

  test("takes as many multiply-adds as timm's model card says", () => {
    // https://huggingface.co/timm/hrnet_w18.ms_aug_in1k: GMACs 4.3.
    expect(billionMultiplyAdds(model)).toBeCloseTo(4.3, 1);
  });
});

describe("mask-rcnn", () => {
  const model = buildModel("mask-rcnn-r50-fpn");
  const isHead = ({ name }: Layer): boolean => /^(box|mask)\./.test(name);

  test("has the parameters of torchvision's maskrcnn_resnet50_fpn_v2, but for what that has more", () => {
    // https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.detection.maskrcnn_resnet50_fpn_v2.html
    const published = 46_359_409;
    // A second 3x3 convolution in the proposal network.
    const secondConvolution = 256 * 256 * 9 + 256;
    // 91 classes with a background and a box of its own, against 80 + 1 scores, 80 boxes, 80 masks.
    const moreClasses = (1024 + 1) * (91 - 81 + 4 * 91 - 4 * 80) + (256 + 1) * (91 - 80);
    // Normalisations that are frozen here, and have constants instead: stem, three blocks, a shortcut.
    const frozenNorms = 2 * (64 + 3 * (64 + 64 + 256) + 256);
    expect(model.parameters).toBe(published - secondConvolution - moreClasses - frozenNorms);
  });

  test("has the backbone of detectron2's Faster R-CNN, with normalisation instead of biases", () => {
    // https://github.com/facebookresearch/detectron2/blob/main/tests/test_model_analysis.py:
    // 26,799,296 with constant normalisation in the ResNet, none in the pyramid.
    const backbone = model.layers.filter(({ name }) => /^(stem|layer|pyramid)/.test(name));
    const pyramid = 8 * (2 * 256 - 256);
    const trained = backbone.filter(({ name, kind }) => kind === "batch-norm" && name.startsWith("layer"));
    const want = 26_799_296 + pyramid + 2 * sum(trained, ({ channels }) => channels);
    expect(sum(backbone, ({ parameters }) => parameters)).toBe(want);
  });

  test("takes as many multiply-adds up to the proposals as detectron2 counts on 800 x 800", () => {
    // The same test file: int(flops["conv"]) == 117, of backbone and proposal network.
    const { layers } = buildModel("mask-rcnn-r50-fpn", { height: 800, width: 800 });
    expect(Math.floor(billionMultiplyAdds({ layers: layers.filter((layer) => !isHead(layer)) }))).toBe(117);
  });

  test("on ResNet-101 has as many parameters more as ResNet-101 has more than ResNet-50", () => {
    // The 17 blocks more are all in a stage that is trained here too. torchvision, as above.
    const deeper = buildModel("mask-rcnn-r101-fpn");
    expect(deeper.parameters - model.parameters).toBe(44_549_160 - 25_557_032);
  });

  test("does not train the stem and the first stage", () => {
    const frozen = model.layers.filter(({ isFrozen }) => isFrozen).map(({ name }) => name.split(".")[0]);
    expect(new Set(frozen)).toEqual(new Set(["stem", "layer1"]));
    const kinds = model.layers.filter(({ isFrozen }) => isFrozen).map(({ kind }) => kind);
    expect(kinds).not.toContain("batch-norm");
  });
});

describe("efficientdet-d0", () => {
  const model = buildModel("efficientdet-d0");

  test("has the 3,880,067 parameters of the TensorFlow model, but for its biases before normalisation", () => {
    // https://github.com/oarriaga/paz/blob/master/tests/paz/models/detection/efficientdet/efficientdet_test.py
    // Biases: 8 nodes in 3 pyramids, 3 convolutions in 2 heads, 6 projections to the 64 channels.
    expect(model.parameters).toBe(3_880_067 - 64 * (8 * 3 + 3 * 2 + 6));
  });

  test("takes the paper's 2.5 billion multiply-adds", () => {
    // Table 2 of https://arxiv.org/abs/1911.09070 (its "FLOPs" are multiply-adds).
    expect(billionMultiplyAdds(model)).toBeCloseTo(2.5, 1);
  });
});

describe("transformers", () => {
  test("gpt2-small has 124,439,808 parameters", () => {
    // Hand, from https://huggingface.co/openai-community/gpt2/blob/main/config.json: 50257 + 1024
    // rows, 12 blocks of 12 d^2 + 13 d, a last normalisation; the output layer is the embedding.
    const d = 768;
    expect((50257 + 1024) * d + 12 * (12 * d ** 2 + 13 * d) + 2 * d).toBe(124_439_808);
    expect(buildModel("gpt2-small").parameters).toBe(124_439_808);
  });

  test("gpt2-small takes 24 n d^2 + 4 n^2 d operations a block, and 2 n d a word of its vocabulary", () => {
    // Closed form: Table 1 of https://arxiv.org/abs/2001.08361, every position attending to all.
    const [n, d] = [1024, 768];
    const want = 12 * (24 * n * d ** 2 + 4 * n ** 2 * d) + 2 * n * d * 50257;
    expect(sum(buildModel("gpt2-small").layers, ({ forwardFlops }) => forwardFlops)).toBe(want);
  });

  test("vit-b16-bn is vit-b16 with another normalisation", () => {
    const alike = ({ layers }: Model) =>
      layers.map((layer) => ({ ...layer, kind: layer.kind.replace(/^(layer|batch)-norm$/, "norm") }));
    expect(alike(buildModel("vit-b16-bn"))).toEqual(alike(buildModel("vit-b16")));
  });
});

describe("activations", () => {
  // Hand: in ResNet one for the stem and three a block; in MobileNetV2 one for the stem, one for the
  // head, two a block but the first; in EfficientNet those and two a gate; in HRNet 2 for the stem, 12
  // in the first stage, 4 between stages, 18, 28 and 40 a module of 2, 3 and 4 branches, 16 at the
  // end; in Mask R-CNN 4 a head, one after its last, 1 a level for the proposals, none in the pyramid.
  const counts: [name: string, count: number][] = [
    ["resnet50", 1 + 3 * 16],
    ["mobilenetv2", 2 + 1 + 2 * 16],
    ["efficientnet-b0", 2 + 1 + 2 * 15 + 2 * 16],
    ["vgg16-bn", 13 + 2],
    ["densenet121", 121],
    ["hrnet-w18", 2 + 12 + 4 + 18 + 4 * 28 + 3 * 40 + 16],
    ["mask-rcnn-r50-fpn", 1 + 3 * 16 + 5 + (4 + 1) + (4 + 1)],
    ["deeplabv3-r101", 1 + 3 * 33 + 6 + 1 + 1],
    // As B0 without its head; one a node; three on each of five levels in each head.
    ["efficientdet-d0", 1 + 1 + 2 * 15 + 2 * 16 + 8 * 3 + 2 * 3 * 5],
    ["vit-b16", 12],
  ];
  for (const [name, count] of counts) {
    test(`${name} has ${count}`, () => {
      expect(buildModel(name).layers.filter(({ kind }) => kind === "activation")).toHaveLength(count);
    });
  }
});

describe("every model", () => {
  for (const name of modelNames) {
    test(`${name} is consistent`, () => {
      // Invariants of the type: see model.ts.
      const model = buildModel(name);
      const { layers } = model;
      expect(model.name).toBe(name);
      expect(model.parameters).toBe(sum(layers, ({ parameters }) => parameters));
      expect(new Set(layers.map((layer) => layer.name)).size).toBe(layers.length);
      const isWhole = (number: number): boolean => Number.isSafeInteger(number) && number > 0;
      const isConsistent = (layer: Layer): boolean =>
        isWhole(layer.channels) &&
        isWhole(layer.positions) &&
        isWhole(layer.inputElements) &&
        layer.outputElements === layer.channels * layer.positions;
      expect(layers.filter((layer) => !isConsistent(layer))).toEqual([]);
      const norms = layers.filter(({ kind }) => kind.endsWith("-norm"));
      const isNorm = (layer: Layer): boolean =>
        layer.inputElements === layer.outputElements &&
        layer.parameters === (layer.kind === "frozen-batch-norm" ? 0 : 2 * layer.channels);
      expect(norms.length).toBeGreaterThan(0);
      expect(norms.filter((layer) => !isNorm(layer))).toEqual([]);
    });
  }
});

describe("the size of the images", () => {
  test("four times the pixels cost a convolution four times the operations, and no parameters", () => {
    // Closed form, where both sides stay multiples of the stride.
    const small = buildModel("resnet50");
    const large = buildModel("resnet50", { height: 448, width: 448 });
    const convolutions = ({ layers }: Model) => layers.filter(({ kind }) => kind === "convolution");
    const flops = (model: Model) => sum(convolutions(model), ({ forwardFlops }) => forwardFlops);
    expect(flops(large)).toBe(4 * flops(small));
    expect(large.parameters).toBe(small.parameters);
  });

  test("every model of images takes the least that it says it takes", () => {
    const ofImages = modelNames.filter((name) => name !== "gpt2-small");
    for (const name of ofImages) {
      // 128 is the stride of EfficientDet's coarsest level.
      const side = name === "efficientdet-d0" ? 128 : 32;
      const { input } = buildModel(name, { height: side, width: side });
      expect(input).toEqual({ channels: 3, height: side, width: side });
    }
  });

  test("height and width are told apart", () => {
    const { input, layers } = buildModel("vgg16-bn", { height: 64 });
    expect(input).toEqual({ channels: 3, height: 64, width: 224 });
    expect(layers[0]!.positions).toBe(64 * 224);
  });
});

describe("refusals", () => {
  const message = (build: () => unknown): string => {
    try {
      build();
    } catch (error) {
      if (error instanceof ScenarioError) return error.message;
      throw error;
    }
    return "built";
  };

  test("an unknown model is refused with the names there are", () => {
    expect(message(() => buildModel("resnet5"))).toMatch(/^model: no model "resnet5"; there are resnet18, /);
    expect(message(() => buildModel("constructor"))).toMatch(/no model "constructor"/);
  });

  test("a name that another library spells otherwise is understood", () => {
    expect(message(() => buildModel("mobilenet_v2"))).toMatch(/did you mean "mobilenetv2"\?$/);
    expect(message(() => buildModel("vgg16_bn"))).toMatch(/did you mean "vgg16-bn"\?$/);
  });

  const sizes: [name: string, options: { height?: number; width?: number }, refusal: RegExp][] = [
    ["resnet50", { height: 31 }, /^height: resnet50 takes a whole number, at least 32, of pixels, not 31$/],
    ["resnet50", { width: 224.5 }, /^width: .* not 224\.5$/],
    ["efficientdet-d0", { height: 600 }, /^height: efficientdet-d0 takes a multiple of 128, .* not 600$/],
    ["gpt2-small", { height: 224 }, /^model: gpt2-small reads tokens, not images/],
  ];
  for (const [name, options, refusal] of sizes) {
    test(`${name} refuses ${JSON.stringify(options)}`, () => {
      expect(message(() => buildModel(name, options))).toMatch(refusal);
    });
  }
});
