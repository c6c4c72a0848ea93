import type { BatchNormCase } from "./normalizer-case.ts";
import { batchNorm } from "./table-entry.ts";
import { eigenvectors, interleave } from "./worked-example.ts";

// y = γ(r·x̂ + d) + β and dx = r·(dx of BatchNorm), with r = √(v + ε)/√(σ² + ε) and d = (m − μ)/√(σ² + ε), both
// clipped, from the running μ and σ² before the step: 0 and 1 at first. Inputs are exact in float32.

const free = { rMax: 100, dMax: 100 };

/** Batch renormalisation by hand. */
export const renormTable: readonly BatchNormCase[] = [
  // m = 2, v = 4: r = 2 and d = 2, so that y = x. The running statistics are BatchNorm's: unbiased, 8.
  batchNorm({
    name: "the first step, renormalised: running statistics change nothing",
    renorm: free,
    x: [[0], [4]],
    ranks: [{ y: [0] }, { y: [4] }],
    groups: [{ mean: [2], variance: [4], runningMean: [2], runningVariance: [8] }],
  }),
  // r = 1.5 and d = 1: x̂ = ±1 becomes −0.5 and 2.5.
  batchNorm({
    name: "the first step, renormalised and clipped",
    renorm: { rMax: 1.5, dMax: 1 },
    weight: [2],
    bias: [10],
    x: [[0], [4]],
    dy: [[1], [3]],
    ranks: [
      { y: [9], dx: [0], dWeight: [-0.5], dBias: [1] },
      { y: [15], dx: [0], dWeight: [7.5], dBias: [3] },
    ],
  }),
  // After [0, 2] with momentum 1: μ = 1, σ² = 2. Unclipped y = (x − 1)/√2, whatever the batch.
  batchNorm({
    name: "the second step, renormalised",
    renorm: free,
    earlier: [[[0], [2]]],
    x: [[4], [8]],
    ranks: [{ y: [3 / Math.sqrt(2)] }, { y: [7 / Math.sqrt(2)] }],
    groups: [{ runningMean: [6], runningVariance: [8] }],
  }),
  // v + ε = 9 and σ² + ε = 5: r = 3/√5 times BatchNorm's dx; d = 0.
  batchNorm({
    name: "the eigenvectors of the Jacobian as dy, renormalised",
    renorm: free,
    channels: 4,
    epsilon: 4,
    x: [interleave(eigenvectors.map(() => [-3, -1, 1, 3]))],
    dy: [interleave(eigenvectors.map(({ dy }) => dy))],
    ranks: [
      {
        y: interleave(eigenvectors.map(() => [-3, -1, 1, 3].map((x) => x / Math.sqrt(5)))),
        dx: interleave(eigenvectors.map(({ dx }) => dx.map((value) => (value * 3) / Math.sqrt(5)))),
        dWeight: [0, 20 / Math.sqrt(5), 0, 0],
      },
    ],
  }),
  // σ_B = 1/4 of σ: r stops at 1/2. d = −3 stops at −1.
  batchNorm({
    name: "a batch of small spread far below the running mean",
    renorm: { rMax: 2, dMax: 1 },
    x: [[-3.25], [-2.75]],
    ranks: [{ y: [-1.5] }, { y: [-0.5] }],
  }),
];
