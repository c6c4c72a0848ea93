import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { concatenate, convolve, poolTo, upsample } from "./operations.ts";
import { resNetDepths, resNetStages } from "./resnet.ts";

const classes = 21;
/** Rates of the atrous pyramid at output stride 8: https://arxiv.org/abs/1706.05587, section 4.3. */
const rates = [12, 24, 36];

/** DeepLabv3 on ResNet-101 at output stride 8 as torchvision has it, the auxiliary classifier included. */
export function deepLabV3(network: Network, image: FeatureMap): void {
  const [, , third, last] = resNetStages(network, image, resNetDepths.resnet101, { dilatedFrom: 3 });

  let x = convolutionUnit(network, "head", atrousPyramid(network, last), { channels: 256, kernel: 3 });
  x = convolve(network, "head.classifier", x, { channels: classes, kernel: 1, bias: true });
  upsample(network, "head.upsample", x, image);

  let auxiliary = convolutionUnit(network, "auxiliary", third, { channels: 256, kernel: 3 });
  auxiliary = convolve(network, "auxiliary.classifier", auxiliary, {
    channels: classes,
    kernel: 1,
    bias: true,
  });
  upsample(network, "auxiliary.upsample", auxiliary, image);
}

function atrousPyramid(network: Network, x: FeatureMap): FeatureMap {
  const flat = convolutionUnit(network, "pyramid.rate1", x, { channels: 256, kernel: 1 });
  const dilated = rates.map((rate) =>
    convolutionUnit(network, `pyramid.rate${rate}`, x, { channels: 256, kernel: 3 }),
  );
  const mean = poolTo(network, "pyramid.pool", x, 1);
  const whole = convolutionUnit(network, "pyramid.image", mean, { channels: 256, kernel: 1 });
  const spread = upsample(network, "pyramid.upsample", whole, x);
  const joined = concatenate(network, "pyramid.concatenate", flat, ...dilated, spread);
  return convolutionUnit(network, "pyramid.project", joined, { channels: 256, kernel: 1 });
}
