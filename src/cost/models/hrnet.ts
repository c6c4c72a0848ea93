import { classify } from "./classifier.ts";
import { convolutionUnit } from "./convolution-unit.ts";
import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { activate, add, upsample } from "./operations.ts";
import { basicBlock, bottleneck } from "./resnet.ts";

/** Channels of the branches, and modules of stages 2 to 4, of HRNet-W18: https://arxiv.org/abs/1908.07919. */
const branchChannels = [18, 36, 72, 144];
const stageModules = [1, 4, 3];
const blocksPerBranch = 4;
/** Widths of the bottlenecks in the classification head, Figure 2 of https://arxiv.org/abs/1904.04514. */
const headWidths = [32, 64, 128, 256];

/** HRNet-W18 for classification (HRNet-W18-C), with 1000 classes. */
export function hrNetW18(network: Network, image: FeatureMap): void {
  let x = convolutionUnit(network, "stem.1", image, { channels: 64, kernel: 3, stride: 2 });
  x = convolutionUnit(network, "stem.2", x, { channels: 64, kernel: 3, stride: 2 });
  for (let i = 0; i < blocksPerBranch; i++) x = bottleneck(network, `stage1.${i}`, x, { width: 64 });
  let branches = [x];
  for (const [index, modules] of stageModules.entries()) {
    const name = `stage${index + 2}`;
    branches = addBranch(network, `${name}.transition`, branches, index + 2);
    for (let i = 0; i < modules; i++) branches = exchangeModule(network, `${name}.${i}`, branches);
  }
  classify(network, mergeBranches(network, branches));
}

/** Every branch at its channels, and one branch more at half the size of the smallest. */
function addBranch(
  network: Network,
  name: string,
  branches: readonly FeatureMap[],
  count: number,
): FeatureMap[] {
  return branchChannels.slice(0, count).map((channels, i) => {
    const x = branches[i];
    if (x === undefined) {
      return convolutionUnit(network, `${name}.${i}`, branches.at(-1)!, { channels, kernel: 3, stride: 2 });
    }
    return x.channels === channels ? x : convolutionUnit(network, `${name}.${i}`, x, { channels, kernel: 3 });
  });
}

/** Blocks on every branch, then every branch sums what all branches send it. */
function exchangeModule(network: Network, name: string, inputs: readonly FeatureMap[]): FeatureMap[] {
  const branches = inputs.map((input, branch) => {
    let x = input;
    for (let i = 0; i < blocksPerBranch; i++) {
      x = basicBlock(network, `${name}.branch${branch}.${i}`, x, { width: x.channels });
    }
    return x;
  });
  return branches.map((target, i) => {
    let sum: FeatureMap | undefined;
    for (const [j, source] of branches.entries()) {
      const link = `${name}.fuse${i}.from${j}`;
      const sent = j === i ? source : resample(network, link, source, { target, halvings: i - j });
      sum = sum === undefined ? sent : add(network, `${link}.add`, sum, sent);
    }
    return activate(network, `${name}.fuse${i}.activation`, sum!);
  });
}

/** Up: a 1x1 convolution, then nearest neighbours. Down: strided convolutions, the last to the target's channels. */
function resample(
  network: Network,
  name: string,
  source: FeatureMap,
  { target, halvings }: { target: FeatureMap; halvings: number },
): FeatureMap {
  if (halvings < 0) {
    const narrow = { channels: target.channels, kernel: 1, isActivated: false };
    return upsample(network, `${name}.upsample`, convolutionUnit(network, name, source, narrow), target);
  }
  let x = source;
  for (let i = 1; i <= halvings; i++) {
    const isLast = i === halvings;
    const channels = isLast ? target.channels : source.channels;
    x = convolutionUnit(network, `${name}.${i}`, x, { channels, kernel: 3, stride: 2, isActivated: !isLast });
  }
  return x;
}

/** Every branch widened, and added to what comes down from the finer ones. */
function mergeBranches(network: Network, branches: readonly FeatureMap[]): FeatureMap {
  let sum: FeatureMap | undefined;
  for (const [i, branch] of branches.entries()) {
    const x = bottleneck(network, `head.${i}.widen`, branch, { width: headWidths[i]! });
    if (sum === undefined) {
      sum = x;
    } else {
      const down = { channels: x.channels, kernel: 3, stride: 2, bias: true };
      sum = add(network, `head.${i}.add`, x, convolutionUnit(network, `head.${i}.down`, sum, down));
    }
  }
  return convolutionUnit(network, "head.final", sum!, { channels: 2048, kernel: 1, bias: true });
}
