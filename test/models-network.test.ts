import { describe, expect, test } from "vitest";
import { AssertionError } from "../src/assert.ts";
import { imageMap, tokenMap } from "../src/cost/models/feature-map.ts";
import { Network } from "../src/cost/models/network.ts";
import {
  add,
  attend,
  concatenate,
  convolve,
  convolveTransposed,
  gate,
  normalize,
  pool,
  poolRegions,
  project,
  upsample,
} from "../src/cost/models/operations.ts";

// Oracle of the shapes and counts: hand, by the formulas of torch.nn.Conv2d and alike.

describe("operations", () => {
  test("a convolution slides over the padded map and multiplies at every place it stops", () => {
    const network = new Network();
    const y = convolve(network, "stem", imageMap(3, 224, 224), { channels: 64, kernel: 7, stride: 2 });
    expect(y).toEqual(imageMap(64, 112, 112));
    expect(network.layers).toEqual([
      {
        name: "stem",
        kind: "convolution",
        channels: 64,
        positions: 112 * 112,
        inputElements: 3 * 224 * 224,
        outputElements: 64 * 112 * 112,
        parameters: 64 * 3 * 49,
        forwardFlops: 2 * 64 * 3 * 49 * 112 * 112,
        isFrozen: false,
      },
    ]);
  });

  test("a depthwise convolution has one kernel a channel, a grouped one is not depthwise", () => {
    const network = new Network();
    convolve(network, "depthwise", imageMap(32, 8, 8), { channels: 32, kernel: 3, groups: 32, bias: true });
    convolve(network, "grouped", imageMap(32, 8, 8), { channels: 64, kernel: 1, groups: 4 });
    const [depthwise, grouped] = network.layers;
    expect(depthwise).toMatchObject({ kind: "depthwise-convolution", parameters: 32 * 9 + 32 });
    expect(grouped).toMatchObject({ kind: "convolution", parameters: 64 * 8 });
  });

  test("a kernel stays centred where no padding is given", () => {
    const y = convolve(new Network(), "a", imageMap(1, 65, 63), { channels: 1, kernel: 5 });
    expect(y).toEqual(imageMap(1, 65, 63));
  });

  test("an odd size is rounded down where a window strides", () => {
    const y = pool(new Network(), "a", imageMap(4, 7, 10), { kernel: 2, stride: 2 });
    expect(y).toEqual(imageMap(4, 3, 5));
  });

  test("a transposed convolution multiplies at every place of its input", () => {
    const network = new Network();
    const y = convolveTransposed(network, "a", imageMap(8, 14, 14), { channels: 4, factor: 2 });
    expect(y).toEqual(imageMap(4, 28, 28));
    expect(network.layers[0]).toMatchObject({
      parameters: 8 * 4 * 4 + 4,
      forwardFlops: 2 * 8 * 4 * 4 * 14 * 14,
    });
  });

  test("attention multiplies every token with every other, twice", () => {
    const network = new Network();
    const y = attend(network, "a", project(network, "in", tokenMap(10, 6), { channels: 18 }));
    expect(y).toEqual(tokenMap(10, 6));
    expect(network.layers[1]).toMatchObject({ inputElements: 180, outputElements: 60, forwardFlops: 2400 });
  });

  test("what joins maps reads all of them", () => {
    const network = new Network();
    const x = imageMap(4, 2, 2);
    add(network, "add", x, x, x);
    const wide = concatenate(network, "concatenate", x, imageMap(2, 2, 2));
    gate(network, "gate", x, imageMap(4, 1, 1));
    expect(wide).toEqual(imageMap(6, 2, 2));
    expect(network.layers.map(({ inputElements }) => inputElements)).toEqual([48, 24, 20]);
  });

  test("regions of interest multiply the positions", () => {
    const network = new Network();
    const levels = [imageMap(4, 8, 8), imageMap(4, 4, 4)] as const;
    const regions = poolRegions(network, "pool", levels, { regions: 5, side: 7 });
    normalize(network, "norm", regions, "batch-norm");
    expect(network.layers[0]).toMatchObject({ inputElements: 4 * (64 + 16), positions: 5 * 49 });
    expect(network.layers[1]).toMatchObject({ channels: 4, positions: 5 * 49, parameters: 8 });
  });
});

describe("network", () => {
  const one = imageMap(1, 4, 4);
  const half = imageMap(1, 2, 2);

  test("layers called on every level own their parameters once, but those named for a level", () => {
    const network = new Network();
    network.onEachLevel([one, half], (map, level) => {
      const y = convolve(network, "conv", map, { channels: 2, kernel: 1 });
      normalize(network, `norm${level}`, y, "batch-norm");
    });
    expect(network.layers.map(({ name, positions, parameters }) => [name, positions, parameters])).toEqual([
      ["conv", 16, 2],
      ["norm0", 16, 4],
      ["conv[1]", 4, 0],
      ["norm1", 4, 4],
    ]);
  });

  test("a name is given once, also by a level to a layer outside", () => {
    const network = new Network();
    normalize(network, "norm", one, "batch-norm");
    expect(() => normalize(network, "norm", one, "batch-norm")).toThrow(/two layers are called norm/);
    const again = () =>
      network.onEachLevel([one, half], (map, level) => {
        if (level > 0) normalize(network, "norm", map, "batch-norm");
      });
    expect(again).toThrow(/two layers are called norm/);
  });

  test("levels that share weights have weights of one shape", () => {
    const network = new Network();
    const uneven = () =>
      network.onEachLevel([one, half], (map, level) => {
        convolve(network, "conv", map, { channels: 1 + level, kernel: 1 });
      });
    expect(uneven).toThrow(/conv has 2 parameters, on the first level 1/);
  });

  test("frozen layers say so, those after them do not", () => {
    const network = new Network();
    const x = network.frozen(() => normalize(network, "norm", one, "frozen-batch-norm"));
    convolve(network, "conv", x, { channels: 1, kernel: 1 });
    expect(network.layers.map(({ isFrozen, parameters }) => [isFrozen, parameters])).toEqual([
      [true, 0],
      [false, 1],
    ]);
  });

  test("shapes that do not fit are bugs", () => {
    const network = new Network();
    const bugs = [
      () => add(network, "a", one, half),
      () => gate(network, "b", one, imageMap(2, 1, 1)),
      () => convolve(network, "c", imageMap(3, 4, 4), { channels: 3, kernel: 1, groups: 2 }),
      () => pool(network, "d", half, { kernel: 3, stride: 1 }),
    ];
    for (const bug of bugs) expect(bug).toThrow(AssertionError);
    expect(upsample(network, "e", half, one)).toEqual(one);
  });
});
