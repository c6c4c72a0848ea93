import type { ResidentCase } from "./normalizer-case.ts";
import { resident } from "./table-entry.ts";
import { eigenvectors } from "./worked-example.ts";

// With d = x − m and iv = 1/√(v + ε), x̂ = d·iv and dx = iv·(g − mean g − d·iv²·mean(g·d)), g = dy·weight.
// RMSNorm has m = 0, v = mean x² and no mean g. Inputs are exact in float32.

// Row [2, 4, 6]: mean x² = 56/3. Row [1, 3, 5]: 35/3. To eight digits 0.46290993, 0.9258199, 1.38872978, and
// 0.2927699, 0.87830969, 1.46384948 (the public tutorial's toy vectors).
const rms = (row: readonly number[], square: number): number[] => row.map((x) => x / Math.sqrt(square));

const rmsNormTable: readonly ResidentCase[] = [
  resident({
    name: "two rows on a rank each, and an empty rank",
    type: "rms-norm",
    channels: 3,
    x: [[2, 4, 6], [], [1, 3, 5]],
    ranks: [
      { y: rms([2, 4, 6], 56 / 3) },
      { y: [], dx: [], dWeight: [0, 0, 0], dBias: [0, 0, 0] },
      { y: rms([1, 3, 5], 35 / 3) },
    ],
  }),
  // −2·[2, 4, 6]: only the sign is left of a scale. A shift changes more: see the two rows above.
  resident({
    name: "a scaled row",
    type: "rms-norm",
    channels: 3,
    x: [[-4, -8, -12]],
    ranks: [{ y: rms([-2, -4, -6], 56 / 3) }],
  }),
  // A constant row is not 0 here: x̂ = 1, and dx = iv·(g − mean g) as x̂ is along 1. iv = 1/5.
  resident({
    name: "a constant row",
    type: "rms-norm",
    channels: 3,
    bias: [1, 2, 3],
    x: [[5, 5, 5]],
    dy: [[1, 2, 6]],
    ranks: [{ y: [2, 3, 4], dx: [-0.4, -0.2, 0.6], dWeight: [1, 2, 6], dBias: [1, 2, 6] }],
  }),
  // Nothing to divide by, at ε = 0 too: y is the bias and no gradient flows.
  resident({
    name: "a row of zeros without epsilon",
    type: "rms-norm",
    channels: 2,
    bias: [1, 2],
    x: [[0, 0]],
    dy: [[3, 4]],
    ranks: [{ y: [1, 2], dx: [0, 0], dWeight: [0, 0], dBias: [3, 4] }],
  }),
  // The Jacobian iv·(I − x̂x̂ᵀ/n) has x's eigenvalue iv·ε/(v + ε) = 4/27 of LayerNorm, as m = 0 already, but
  // along 1 it is iv = 1/3.
  resident({
    name: "the eigenvectors of the Jacobian as dy",
    type: "rms-norm",
    channels: 4,
    epsilon: 4,
    x: [eigenvectors.flatMap(() => [-3, -1, 1, 3])],
    dy: [eigenvectors.flatMap(({ dy }) => dy)],
    ranks: [{ dx: [1 / 3, 1 / 3, 1 / 3, 1 / 3, ...eigenvectors.slice(1).flatMap(({ dx }) => dx)] }],
  }),
  // [C, L] of one sample: token 0 is [3, 4], token 1 is padding. mean x² = 12.5.
  resident({
    name: "padding that holds NaN",
    type: "rms-norm",
    channels: 2,
    positions: 2,
    bias: [0.5, 0.5],
    x: [[3, Number.NaN, 4, Number.NaN]],
    mask: [[1, 0]],
    ranks: [{ y: [3 / Math.sqrt(12.5) + 0.5, 0, 4 / Math.sqrt(12.5) + 0.5, 0] }],
  }),
];

/** Normalisers of one rank by hand, LayerNorm aside. */
export const residentTable: readonly ResidentCase[] = [
  ...rmsNormTable,
  // Blocks [1, 3 | 5, 7] of channels 0 and 1, and [0, 0 | 4, 4] of channels 2 and 3: m 4 and 2, v 5 and 4.
  resident({
    name: "two blocks of two channels",
    type: "group-norm",
    groups: 2,
    channels: 4,
    positions: 2,
    x: [[1, 3, 5, 7, 0, 0, 4, 4]],
    ranks: [{ y: [...[-3, -1, 1, 3].map((d) => d / Math.sqrt(5)), -1, -1, 1, 1] }],
  }),
  // The eigenvectors of worked-example.ts, a sample each, and a second block without spread: there
  // dx = (g − mean g)/√ε, ε = 4.
  resident({
    name: "the eigenvectors of the Jacobian as dy, beside a constant block",
    type: "group-norm",
    groups: 2,
    channels: 4,
    positions: 2,
    epsilon: 4,
    x: [eigenvectors.flatMap(() => [-3, -1, 1, 3, 7, 7, 7, 7])],
    dy: [eigenvectors.flatMap(({ dy }) => [...dy, 1, 2, 3, 6])],
    ranks: [{ dx: eigenvectors.flatMap(({ dx }) => [...dx, -1, -0.5, 0, 1.5]) }],
  }),
  // Valid are position 0 of sample 0 and both of sample 1: sets of 2 and of 4 values.
  resident({
    name: "samples of unequal length, padded with NaN",
    type: "group-norm",
    groups: 1,
    channels: 2,
    positions: 2,
    bias: [0.5, 0.5],
    x: [[1, Number.NaN, 3, Number.NaN, 1, 3, 5, 7]],
    mask: [[1, 0, 1, 1]],
    ranks: [{ y: [-0.5, 0, 1.5, 0, ...[-3, -1, 1, 3].map((d) => d / Math.sqrt(5) + 0.5)] }],
  }),
  // Channel 0 is [1, 3], channel 1 [10, 14]: x̂ = ±1 in both, and without ε no gradient passes two values.
  resident({
    name: "two positions",
    type: "instance-norm",
    channels: 2,
    positions: 2,
    x: [[1, 3, 10, 14]],
    dy: [[1, 0, 2, 5]],
    ranks: [{ y: [-1, 1, -1, 1], dx: [0, 0, 0, 0], dWeight: [-1, 3], dBias: [1, 7] }],
  }),
  // One value per set: x̂ = 0, where PyTorch raises an error.
  resident({
    name: "one position",
    type: "instance-norm",
    channels: 2,
    epsilon: 1e-5,
    bias: [0.5, 1],
    x: [[3, 4], []],
    dy: [[1, 2], []],
    ranks: [
      { y: [0.5, 1], dx: [0, 0], dWeight: [0, 0], dBias: [1, 2] },
      { y: [], dx: [], dWeight: [0, 0], dBias: [0, 0] },
    ],
  }),
];
