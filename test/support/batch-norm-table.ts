import type { BatchNormCase } from "./normalizer-case.ts";
import { batchNorm } from "./table-entry.ts";
import { eigenvectors, interleave, iv, unevenFirst, unevenSecond, unevenTotal } from "./worked-example.ts";

// With d = x − m and iv = 1/√(v + ε), x̂ = d·iv and dx = iv·(g − mean g − d·iv²·mean(g·d)), g = dy·weight.
// Inputs are exact in float32.

// Rows [2, 4, 6] and [1, 3, 5]: every channel is m ± 0.5, v = 0.25; unbiased 0.5. 0.9999800006 to ten digits.
const half = 0.5 / Math.sqrt(0.25 + 1e-5);
const twoRows = { channels: 3, epsilon: 1e-5 };
const twoRowsMoments = {
  count: 2,
  mean: [1.5, 3.5, 5.5],
  variance: [0.25, 0.25, 0.25],
  runningMean: [1.5, 3.5, 5.5],
  runningVariance: [0.5, 0.5, 0.5],
};

/** BatchNorm by hand, over ranks of any size. */
export const regularTable: readonly BatchNormCase[] = [
  batchNorm({
    name: "two rows on one rank",
    ...twoRows,
    x: [[2, 4, 6, 1, 3, 5]],
    ranks: [{ y: [half, half, half, -half, -half, -half] }],
    groups: [twoRowsMoments],
  }),
  batchNorm({
    name: "two rows on a rank each, synchronised",
    ...twoRows,
    x: [
      [2, 4, 6],
      [1, 3, 5],
    ],
    ranks: [{ y: [half, half, half] }, { y: [-half, -half, -half] }],
    groups: [twoRowsMoments],
  }),
  // One value per set: d = 0, so that y is the bias and nothing flows back but dBias.
  batchNorm({
    name: "two rows on a rank each, local",
    ...twoRows,
    bias: [7, 8, 9],
    group: 1,
    x: [
      [2, 4, 6],
      [1, 3, 5],
    ],
    dy: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    ranks: [
      { y: [7, 8, 9], dx: [0, 0, 0], dWeight: [0, 0, 0], dBias: [1, 2, 3] },
      { y: [7, 8, 9], dx: [0, 0, 0], dWeight: [0, 0, 0], dBias: [4, 5, 6] },
    ],
    groups: [
      { count: 1, mean: [2, 4, 6], variance: [0, 0, 0] },
      { count: 1, mean: [1, 3, 5], variance: [0, 0, 0] },
    ],
  }),
  batchNorm({
    name: "ranks of unequal size",
    x: [[1, 2, 3], [10]],
    dy: [[1, 0, 0], [0]],
    ranks: [unevenFirst, unevenSecond],
    groups: [unevenTotal],
  }),
  // Rank 0: m = 2, v = 2/3, iv = √1.5; mean g = 1/3, mean g·d = −1/3, over v: −1/2. dx = iv·(dy − 1/3 + d/2).
  // Rank 1: v = 0 and ε = 0, so that iv is taken as 0.
  batchNorm({
    name: "ranks of unequal size, local",
    group: 1,
    x: [[1, 2, 3], [10]],
    dy: [[1, 0, 0], [0]],
    ranks: [
      { y: [-Math.sqrt(1.5), 0, Math.sqrt(1.5)], dx: [1, -2, 1].map((k) => (k * Math.sqrt(1.5)) / 6) },
      { y: [0], dx: [0], dWeight: [0] },
    ],
    groups: [
      { count: 3, mean: [2], variance: [2 / 3], runningVariance: [1] },
      { count: 1, mean: [10], variance: [0] },
    ],
  }),
  // m = 3, v = 6, v + ε = 6.25, iv = 0.4, x̂ = [−1.2, 0, 1.2]; mean g = 1/3, mean g·x̂ = −0.4.
  batchNorm({
    name: "one sample on every rank",
    epsilon: 0.25,
    x: [[0], [3], [6]],
    dy: [[1], [0], [0]],
    ranks: [
      { y: [-1.2], dx: [0.4 * (1 - 1 / 3 - 0.48)], dWeight: [-1.2], dBias: [1] },
      { y: [0], dx: [-0.4 / 3], dWeight: [0], dBias: [0] },
      { y: [1.2], dx: [0.4 * (-1 / 3 + 0.48)], dWeight: [0], dBias: [0] },
    ],
    groups: [{ count: 3, mean: [3], variance: [6], runningVariance: [9] }],
  }),
  // Normalised with 1.25 (biased), remembered as 5/3 (unbiased).
  batchNorm({
    name: "one to four",
    x: [
      [1, 2],
      [3, 4],
    ],
    ranks: [
      { y: [-1.5 / Math.sqrt(1.25), -0.5 / Math.sqrt(1.25)] },
      { y: [0.5 / Math.sqrt(1.25), 1.5 / Math.sqrt(1.25)] },
    ],
    groups: [{ count: 4, mean: [2.5], variance: [1.25], runningMean: [2.5], runningVariance: [5 / 3] }],
  }),
  // Batches have means 1 and 6, unbiased variances 2 and 8.
  batchNorm({
    name: "two steps, cumulative average",
    momentum: null,
    earlier: [[[0], [2]]],
    x: [[4], [8]],
    ranks: [{ y: [-1] }, { y: [1] }],
    groups: [{ runningMean: [3.5], runningVariance: [5] }],
  }),
  // (0, 1) → (0.25, 0.75 + 0.5) → (0.1875 + 1.5, 0.9375 + 2).
  batchNorm({
    name: "two steps, momentum 1/4",
    momentum: 0.25,
    earlier: [[[0], [2]]],
    x: [[4], [8]],
    ranks: [{ y: [-1] }, { y: [1] }],
    groups: [{ runningMean: [1.6875], runningVariance: [2.9375] }],
  }),
  // −2x + 3 of "ranks of unequal size": x̂ changes sign and nothing else.
  batchNorm({
    name: "an affine image of ranks of unequal size",
    x: [[1, -1, -3], [-17]],
    ranks: [{ y: [3 * iv, 2 * iv, iv] }, { y: [-6 * iv] }],
    groups: [{ count: 4, mean: [-5], variance: [50] }],
  }),
  batchNorm({
    name: "the eigenvectors of the Jacobian as dy",
    channels: 4,
    epsilon: 4,
    x: [interleave(eigenvectors.map(() => [-3, -1, 1, 3]))],
    dy: [interleave(eigenvectors.map(({ dy }) => dy))],
    ranks: [
      {
        y: interleave(eigenvectors.map(() => [-1, -1 / 3, 1 / 3, 1])),
        dx: interleave(eigenvectors.map(({ dx }) => dx)),
        dWeight: [0, 20 / 3, 0, 0],
        dBias: [4, 0, 0, 0],
      },
    ],
  }),
];
