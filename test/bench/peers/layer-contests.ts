import { type Contest, timed } from "./contest.ts";
import { createLayer } from "./layer.ts";
import type { Peer } from "./peer-process.ts";

/** Activations of convolutional networks [N, C, H, W], and tokens [N, C] of transformers. */
const images = [
  [32, 64, 56, 56],
  [32, 256, 14, 14],
  [8, 2048, 7, 7],
];
const tokens = [
  [4096, 768],
  [2048, 4096],
];

const layers = [
  { type: "batch-norm", shapes: images, forwardGoal: 4, backwardGoal: 1.5 },
  { type: "layer-norm", shapes: tokens, forwardGoal: 2, backwardGoal: 1 },
] as const;

/** Both passes of a layer against PyTorch's, one thread each, float32. */
export async function* layerContests(pytorch: Peer): AsyncGenerator<Contest> {
  for (const { type, shapes, forwardGoal, backwardGoal } of layers) {
    for (const shape of shapes) {
      const [samples, channels, ...positions] = shape as [number, number, ...number[]];
      const layer = await createLayer(type, {
        samples,
        channels,
        positions: positions.reduce((product, extent) => product * extent, 1),
      });
      const passes = [
        { pass: "forward", ours: timed(() => layer.forward()), goal: forwardGoal },
        { pass: "backward", ours: timed(() => layer.backward()), goal: backwardGoal },
      ];
      for (const { pass, ours, goal } of passes) {
        const time = pytorch.time(`${type} ${pass} ${shape.join(" ")}`);
        yield {
          title: `${type} ${pass} [${shape.join(", ")}]`,
          ours,
          peer: { name: "PyTorch", time },
          goal,
        };
      }
    }
  }
}
