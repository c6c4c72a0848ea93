import type { BatchNormCase, GroupOutcome, LayerNormCase, RankInput, RankOutcome } from "./normalizer-case.ts";

// Cases with expectations worked out by hand, in each comment. With d = x − m and iv = 1/√(v + ε),
// x̂ = d·iv and dx = iv·(g − mean g − d·iv²·mean(g·d)), g = dy·weight. Inputs are exact in float32.

interface Settings {
  readonly name: string;
  /** [N, C, L] of each rank. */
  readonly x: readonly (readonly number[])[];
  /** Default: zeros. */
  readonly dy?: readonly (readonly number[])[];
  /** [N, L] of each rank. */
  readonly mask?: readonly (readonly number[])[];
  /** Default: 1. */
  readonly channels?: number;
  /** Default: 1. */
  readonly positions?: number;
  /** Default: 0. */
  readonly epsilon?: number;
  /** Default: ones. */
  readonly weight?: readonly number[];
  /** Default: zeros. */
  readonly bias?: readonly number[];
  readonly ranks: readonly Partial<RankOutcome>[];
}

interface BatchNormSettings extends Settings {
  /** Default: world. */
  readonly group?: number;
  /** Default: 1, so that running statistics are those of the last batch. */
  readonly momentum?: number | null;
  /** x of the steps before the last, [step][rank]. */
  readonly earlier?: readonly (readonly (readonly number[])[])[];
  readonly groups?: readonly Partial<GroupOutcome>[];
}

function common(settings: Settings): Omit<LayerNormCase, "type" | "expected"> {
  const { name, x, dy, mask, channels = 1, positions = 1, epsilon = 0 } = settings;
  const weight = settings.weight ?? new Array<number>(channels).fill(1);
  const bias = settings.bias ?? new Array<number>(channels).fill(0);
  const ranks = x.map(
    (values, rank): RankInput => ({
      samples: values.length / (channels * positions),
      x: values,
      dy: dy?.[rank] ?? values.map(() => 0),
      mask: mask?.[rank] ?? null,
    }),
  );
  return { name, channels, positions: positions === 1 ? [] : [positions], epsilon, weight, bias, ranks };
}

function batchNorm(settings: BatchNormSettings): BatchNormCase {
  const { group = "world", momentum = 1, earlier = [], ranks, groups = [] } = settings;
  const trainingSteps = earlier.length + 1;
  const expected = { ranks, groups };
  return { ...common(settings), type: "batch-norm", group, momentum, trainingSteps, earlier, expected };
}

function layerNorm(settings: Settings): LayerNormCase {
  return { ...common(settings), type: "layer-norm", expected: { ranks: settings.ranks } };
}

const nothing: RankOutcome = { y: [], dx: [], dWeight: [0], dBias: [0] };

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

// [1, 2, 3] and [10]: m = 4, d = [−3, −2, −1 | 6], Σd² = 50, v = 12.5, iv = 1/√12.5; unbiased 50/3.
const iv = 1 / Math.sqrt(12.5);
const uneven = { count: 4, mean: [4], variance: [12.5], runningMean: [4], runningVariance: [50 / 3] };
// dy = [1, 0, 0 | 0]: mean g = 1/4, mean g·d = −3/4, over v: −0.06. dx = iv·(dy − 0.25 + 0.06·d).
const unevenFirst = {
  y: [-3 * iv, -2 * iv, -iv],
  dx: [0.57 * iv, -0.37 * iv, -0.31 * iv],
  dWeight: [-3 * iv],
  dBias: [1],
};
const unevenSecond = { y: [6 * iv], dx: [0.11 * iv], dWeight: [0], dBias: [0] };
const unevenTotal = { ...uneven, dWeight: [-3 * iv], dBias: [1] };

// x = [−3, −1, 1, 3]: m = 0, v = 5; with ε = 4 iv = 1/3. The Jacobian iv·(I − 11ᵀ/n − x̂x̂ᵀ/n) has the
// eigenvectors 1 (0), x (iv·ε/(v + ε) = 4/27), [1, −1, −1, 1] and [−1, 3, −3, 1] (iv = 1/3).
const eigenvectors = [
  { dy: [1, 1, 1, 1], dx: [0, 0, 0, 0] },
  { dy: [-3, -1, 1, 3], dx: [-12 / 27, -4 / 27, 4 / 27, 12 / 27] },
  { dy: [1, -1, -1, 1], dx: [1 / 3, -1 / 3, -1 / 3, 1 / 3] },
  { dy: [-1, 3, -3, 1], dx: [-1 / 3, 1, -1, 1 / 3] },
];
/** Row i of [N, C] is entry i of every channel's column. */
const interleave = (columns: readonly (readonly number[])[]): number[] =>
  [0, 1, 2, 3].flatMap((row) => columns.map((column) => column[row]!));

/** BatchNorm by hand. */
export const batchNormTable: readonly BatchNormCase[] = [
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
  batchNorm({
    name: "empty ranks among ranks of unequal size",
    x: [[], [1, 2, 3], [], [], [10], []],
    dy: [[], [1, 0, 0], [], [], [0], []],
    ranks: [nothing, unevenFirst, nothing, nothing, unevenSecond, nothing],
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
  // |x̂| <= √(N − 1) = 2, and one outlier reaches it.
  batchNorm({
    name: "one outlier of 2^50 among zeros",
    x: [[0, 0, 2 ** 50], [0], [0]],
    ranks: [{ y: [-0.5, -0.5, 2] }, { y: [-0.5] }, { y: [-0.5] }],
  }),
];

// Row [2, 4, 6]: v = 8/3. Row [1, 3, 5] is its shift.
const outer = 2 / Math.sqrt(8 / 3 + 1e-5);

/** LayerNorm by hand. */
export const layerNormTable: readonly LayerNormCase[] = [
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
