import { ScenarioError } from "../../errors.ts";
import { didYouMean } from "../../scenario/suggestion.ts";
import { deepLabV3 } from "./deeplab.ts";
import { denseNet121 } from "./densenet.ts";
import { efficientDetD0 } from "./efficientdet.ts";
import { efficientNet, efficientNetScalings } from "./efficientnet.ts";
import { type FeatureMap, imageMap } from "./feature-map.ts";
import { gpt2Small } from "./gpt2.ts";
import { hrNetW18 } from "./hrnet.ts";
import { maskRcnn } from "./mask-rcnn.ts";
import { mobileNetV2 } from "./mobilenet.ts";
import type { Model, ModelInput } from "./model.ts";
import { Network } from "./network.ts";
import { resNet, resNetDepths } from "./resnet.ts";
import { vgg, vggDepths } from "./vgg.ts";
import { visionTransformer } from "./vision-transformer.ts";

/** The size of the images, where it is not the one that the model is usually trained on. */
export interface ModelOptions {
  readonly height?: number;
  readonly width?: number;
}

/** How to build a model that takes images of a usual size; sides must be a multiple of something. */
interface ImageRecipe {
  readonly height: number;
  readonly width: number;
  readonly multipleOf: number;
  readonly build: (network: Network, image: FeatureMap) => void;
}

/** No model here makes sense on less: 32 is the stride of most. */
const leastSide = 32;

const recipes: Readonly<Record<string, ImageRecipe>> = {
  ...Object.fromEntries(
    Object.entries(resNetDepths).map(([name, depth]) => [
      name,
      square(224, (net, x) => resNet(net, x, depth)),
    ]),
  ),
  mobilenetv2: square(224, mobileNetV2),
  ...Object.fromEntries(
    efficientNetScalings.map((scaling, i) => [
      `efficientnet-b${i}`,
      square(scaling.side, (net, x) => efficientNet(net, x, scaling)),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(vggDepths).map(([name, depths]) => [name, square(224, (net, x) => vgg(net, x, depths))]),
  ),
  densenet121: square(224, denseNet121),
  "hrnet-w18": square(224, hrNetW18, 32),
  "mask-rcnn-r50-fpn": cocoImages((net, x) => maskRcnn(net, x, resNetDepths.resnet50)),
  "mask-rcnn-r101-fpn": cocoImages((net, x) => maskRcnn(net, x, resNetDepths.resnet101)),
  "deeplabv3-r101": square(520, deepLabV3),
  "efficientdet-d0": square(512, efficientDetD0, 128),
  "vit-b16": square(224, (net, x) => visionTransformer(net, x, "layer-norm"), 16),
  "vit-b16-bn": square(224, (net, x) => visionTransformer(net, x, "batch-norm"), 16),
};

const gpt2Name = "gpt2-small";

/** The models that can be built. */
export const modelNames: readonly string[] = [...Object.keys(recipes), gpt2Name];

/**
 * Build a model from its architecture.
 *
 * @throws ScenarioError if there is no such model, or it cannot take images of that size.
 */
export function buildModel(name: string, options: ModelOptions = {}): Model {
  const network = new Network();
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe !== undefined) {
    const height = side("height", options.height ?? recipe.height, name, recipe);
    const width = side("width", options.width ?? recipe.width, name, recipe);
    recipe.build(network, imageMap(3, height, width));
    return finish(name, { channels: 3, height, width }, network);
  }
  if (name !== gpt2Name) {
    const known = modelNames.join(", ");
    throw refusal(
      "model",
      `no model ${JSON.stringify(name)}; there are ${known}${didYouMean(name, modelNames)}`,
    );
  }
  if (options.height !== undefined || options.width !== undefined) {
    throw refusal("model", `${name} reads tokens, not images: leave height and width out`);
  }
  const { channels: width, height: tokens } = gpt2Small(network);
  return finish(name, { tokens, width }, network);
}

function finish(name: string, input: ModelInput, { layers }: Network): Model {
  return { name, input, layers, parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0) };
}

/** One side of the image, refused where the model cannot take it. */
function side(which: "height" | "width", pixels: number, name: string, { multipleOf }: ImageRecipe): number {
  if (!Number.isSafeInteger(pixels) || pixels < leastSide || pixels % multipleOf !== 0) {
    const multiple = multipleOf === 1 ? "a whole number" : `a multiple of ${multipleOf}`;
    throw refusal(which, `${name} takes ${multiple}, at least ${leastSide}, of pixels, not ${pixels}`);
  }
  return pixels;
}

function square(pixels: number, build: ImageRecipe["build"], multipleOf = 1): ImageRecipe {
  return { height: pixels, width: pixels, multipleOf, build };
}

/** 800 x 1333, the largest of detectron2's training sizes, padded to a multiple of the coarsest stride. */
function cocoImages(build: ImageRecipe["build"]): ImageRecipe {
  return { height: 800, width: 1344, multipleOf: 32, build };
}

function refusal(path: string, message: string): ScenarioError {
  return new ScenarioError([{ file: "", path, message }]);
}
