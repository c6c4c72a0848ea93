import type { FeatureMap } from "./feature-map.ts";
import type { Network } from "./network.ts";
import { poolTo, project } from "./operations.ts";

/** The classes of ImageNet. */
export const imageNetClasses = 1000;

/** The mean of every channel, and a linear layer from those to the classes. */
export function classify(network: Network, x: FeatureMap): void {
  project(network, "classifier", poolTo(network, "avgpool", x, 1), { channels: imageNetClasses });
}
