import type { BatchNormCase, RankOutcome } from "./normalizer-case.ts";
import { batchNorm } from "./table-entry.ts";
import { iv, unevenFirst, unevenSecond, unevenTotal } from "./worked-example.ts";

// With d = x − m and iv = 1/√(v + ε), x̂ = d·iv and dx = iv·(g − mean g − d·iv²·mean(g·d)), g = dy·weight.
// Inputs are exact in float32.

const nothing: RankOutcome = { y: [], dx: [], dWeight: [0], dBias: [0] };

/** BatchNorm by hand where something is missing: values, spread, epsilon, or a reason to count a position. */
export const degenerateTable: readonly BatchNormCase[] = [
  batchNorm({
    name: "empty ranks among ranks of unequal size",
    x: [[], [1, 2, 3], [], [], [10], []],
    dy: [[], [1, 0, 0], [], [], [0], []],
    ranks: [nothing, unevenFirst, nothing, nothing, unevenSecond, nothing],
    groups: [unevenTotal],
  }),
  batchNorm({
    name: "no rank holds anything",
    x: [[], []],
    ranks: [nothing, nothing],
    groups: [{ count: 0, dWeight: [0], dBias: [0], runningMean: [0], runningVariance: [1] }],
  }),
  // d = 0. An unbiased variance of one value does not exist, so that the running one stays 1.
  batchNorm({
    name: "one value in the world",
    epsilon: 1e-5,
    bias: [3],
    x: [[], [5]],
    dy: [[], [2]],
    ranks: [nothing, { y: [3], dx: [0], dWeight: [0], dBias: [2] }],
    groups: [{ count: 1, mean: [5], variance: [0], runningVariance: [1] }],
  }),
  // Two values Δ apart: x̂ = ±Δ/√(Δ² + 4ε) = ±3/5. dx is iv·ε/(v + ε) = 0.4·0.64 times dy's part along x̂, ±1/2.
  batchNorm({
    name: "two values",
    epsilon: 4,
    x: [[1], [4]],
    dy: [[1], [0]],
    ranks: [
      { y: [-0.6], dx: [0.128] },
      { y: [0.6], dx: [-0.128] },
    ],
  }),
  // x̂ = ±1 whatever x is: no gradient is left.
  batchNorm({
    name: "two values without epsilon",
    x: [[1], [4]],
    dy: [[1], [0]],
    ranks: [
      { y: [-1], dx: [0] },
      { y: [1], dx: [0] },
    ],
  }),
  // d = 0: dx = weight·(dy − mean dy)/√ε, a gradient 316 times as large.
  batchNorm({
    name: "a constant channel",
    epsilon: 1e-5,
    weight: [3],
    bias: [0.5],
    x: [
      [7, 7],
      [7, 7],
    ],
    dy: [
      [1, 2],
      [3, 6],
    ],
    ranks: [
      { y: [0.5, 0.5], dx: [-6, -3].map((k) => k / Math.sqrt(1e-5)), dWeight: [0], dBias: [3] },
      { y: [0.5, 0.5], dx: [0, 9].map((k) => k / Math.sqrt(1e-5)), dWeight: [0], dBias: [9] },
    ],
    groups: [{ count: 4, mean: [7], variance: [0], runningVariance: [0] }],
  }),
  // Our definition; PyTorch's SyncBatchNorm inverts an invStd of 0 here.
  batchNorm({
    name: "a constant channel without epsilon",
    weight: [3],
    bias: [0.5],
    x: [[7, 7], [7]],
    dy: [[1, 2], [3]],
    ranks: [
      { y: [0.5, 0.5], dx: [0, 0], dWeight: [0], dBias: [3] },
      { y: [0.5], dx: [0], dWeight: [0], dBias: [3] },
    ],
    groups: [{ count: 3, mean: [7], variance: [0], runningVariance: [0] }],
  }),
  // The valid values are those of "ranks of unequal size"; at padding y is 0, not the bias.
  batchNorm({
    name: "padding that holds NaN, and a rank of padding only",
    positions: 3,
    bias: [0.5],
    x: [
      [1, 2, 3],
      [Number.NaN, Number.NaN, Number.NaN],
      [10, Number.NaN, Number.NaN],
    ],
    dy: [
      [1, 0, 0],
      [5, 5, 5],
      [0, 5, 5],
    ],
    mask: [
      [1, 1, 1],
      [0, 0, 0],
      [1, 0, 0],
    ],
    ranks: [
      { ...unevenFirst, y: unevenFirst.y.map((value) => value + 0.5) },
      { y: [0, 0, 0], dx: [0, 0, 0], dWeight: [0], dBias: [0] },
      { ...unevenSecond, y: [6 * iv + 0.5, 0, 0], dx: [0.11 * iv, 0, 0] },
    ],
    groups: [unevenTotal],
  }),
  // A share p = 1/2 of zeros: m = (1 − p)·2, v = (1 − p)·1 + p·(1 − p)·2².
  batchNorm({
    name: "zero padding without a mask",
    positions: 4,
    x: [[1, 3, 0, 0]],
    ranks: [{ y: [0, 2, -1, -1].map((d) => d / Math.sqrt(1.5)) }],
    groups: [{ count: 4, mean: [1], variance: [1.5] }],
  }),
  // |x̂| <= √(N − 1) = 2, and one outlier reaches it.
  batchNorm({
    name: "one outlier of 2^50 among zeros",
    x: [[0, 0, 2 ** 50], [0], [0]],
    ranks: [{ y: [-0.5, -0.5, 2] }, { y: [-0.5] }, { y: [-0.5] }],
  }),
];
