import type { ResidentCase } from "./normalizer-case.ts";
import { layerNorm } from "./table-entry.ts";
import { eigenvectors } from "./worked-example.ts";

// With d = x − m and iv = 1/√(v + ε), x̂ = d·iv and dx = iv·(g − mean g − d·iv²·mean(g·d)), g = dy·weight.
// Inputs are exact in float32.

const twoRows = { channels: 3, epsilon: 1e-5 };
// Row [2, 4, 6]: v = 8/3. Row [1, 3, 5] is its shift.
const outer = 2 / Math.sqrt(8 / 3 + 1e-5);

/** LayerNorm by hand. */
export const layerNormTable: readonly ResidentCase[] = [
  // 1.22474258 to eight digits.
  layerNorm({
    name: "two rows on one rank",
    ...twoRows,
    x: [[2, 4, 6, 1, 3, 5]],
    ranks: [{ y: [-outer, 0, outer, -outer, 0, outer] }],
  }),
  layerNorm({
    name: "two rows on a rank each, and an empty rank",
    ...twoRows,
    x: [[2, 4, 6], [], [1, 3, 5]],
    ranks: [
      { y: [-outer, 0, outer] },
      { y: [], dx: [], dWeight: [0, 0, 0], dBias: [0, 0, 0] },
      { y: [-outer, 0, outer] },
    ],
  }),
  // v = 8/3·4, ε = 0: x̂ = ±√1.5, the sign turned.
  layerNorm({
    name: "an affine image of two rows",
    channels: 3,
    x: [[-1, -5, -9, 1, -3, -7]],
    ranks: [{ y: [1, 0, -1, 1, 0, -1].map((k) => k * Math.sqrt(1.5)) }],
  }),
  // d = 0: y is the bias, dx = (g − mean g)/√ε.
  layerNorm({
    name: "a constant row",
    ...twoRows,
    bias: [1, 2, 3],
    x: [[5, 5, 5]],
    dy: [[1, 2, 6]],
    ranks: [
      { y: [1, 2, 3], dx: [-2, -1, 3].map((k) => k / Math.sqrt(1e-5)), dWeight: [0, 0, 0], dBias: [1, 2, 6] },
    ],
  }),
  layerNorm({
    name: "a constant row without epsilon",
    channels: 3,
    bias: [1, 2, 3],
    x: [[5, 5, 5]],
    dy: [[1, 2, 6]],
    ranks: [{ y: [1, 2, 3], dx: [0, 0, 0], dWeight: [0, 0, 0] }],
  }),
  layerNorm({
    name: "one channel",
    epsilon: 1e-5,
    bias: [4],
    x: [[1, 2, 3]],
    dy: [[1, 1, 1]],
    ranks: [{ y: [4, 4, 4], dx: [0, 0, 0], dWeight: [0], dBias: [3] }],
  }),
  // Rows of dy add up to dBias; rows of dy·x̂, x̂ = [−1, −1/3, 1/3, 1], to dWeight.
  layerNorm({
    name: "the eigenvectors of the Jacobian as dy",
    channels: 4,
    epsilon: 4,
    x: [eigenvectors.flatMap(() => [-3, -1, 1, 3])],
    dy: [eigenvectors.flatMap(({ dy }) => dy)],
    ranks: [
      {
        y: eigenvectors.flatMap(() => [-1, -1 / 3, 1 / 3, 1]),
        dx: eigenvectors.flatMap(({ dx }) => dx),
        dWeight: [2, -2 / 3, -2 / 3, 6],
        dBias: [-2, 2, -2, 6],
      },
    ],
  }),
  // The weight acts before the mean: dy·weight is the eigenvector [1, −1, −1, 1].
  layerNorm({
    name: "a weight per channel",
    channels: 4,
    epsilon: 4,
    weight: [1, 2, 4, 0.5],
    x: [[-3, -1, 1, 3]],
    dy: [[1, -0.5, -0.25, 2]],
    ranks: [
      {
        y: [-1, -2 / 3, 4 / 3, 0.5],
        dx: [1 / 3, -1 / 3, -1 / 3, 1 / 3],
        dWeight: [-1, 0.5 / 3, -0.25 / 3, 2],
        dBias: [1, -0.5, -0.25, 2],
      },
    ],
  }),
  // [C, L] of one sample: token 0 is [1, 3], token 1 is padding.
  layerNorm({
    name: "padding that holds NaN",
    channels: 2,
    positions: 2,
    bias: [0.5, 0.5],
    x: [[1, Number.NaN, 3, Number.NaN]],
    dy: [[1, 5, 0, 5]],
    mask: [[1, 0]],
    ranks: [{ y: [-0.5, 0, 1.5, 0], dx: [0, 0, 0, 0], dWeight: [-1, 0], dBias: [1, 0] }],
  }),
];
