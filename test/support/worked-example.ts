// Numbers worked out once by hand, for several tables. Notation as in the tables.

/** 1/√v of ranks [1, 2, 3] and [10]: m = 4, d = [−3, −2, −1 | 6], Σd² = 50, v = 12.5; unbiased 50/3. */
export const iv: number = 1 / Math.sqrt(12.5);
const moments = { count: 4, mean: [4], variance: [12.5], runningMean: [4], runningVariance: [50 / 3] };
/** Rank [1, 2, 3] at dy = [1, 0, 0 | 0]: mean g = 1/4, mean g·d = −3/4, over v −0.06; dx = iv·(dy − 0.25 + 0.06·d). */
export const unevenFirst = {
  y: [-3 * iv, -2 * iv, -iv],
  dx: [0.57 * iv, -0.37 * iv, -0.31 * iv],
  dWeight: [-3 * iv],
  dBias: [1],
};
/** Rank [10] of the same. */
export const unevenSecond = { y: [6 * iv], dx: [0.11 * iv], dWeight: [0], dBias: [0] };
/** Both ranks together. */
export const unevenTotal = { ...moments, dWeight: [-3 * iv], dBias: [1] };

/**
 * x = [−3, −1, 1, 3]: m = 0, v = 5; with ε = 4 iv = 1/3. The Jacobian iv·(I − 11ᵀ/n − x̂x̂ᵀ/n) has the
 * eigenvectors 1 (0), x (iv·ε/(v + ε) = 4/27), [1, −1, −1, 1] and [−1, 3, −3, 1] (iv = 1/3).
 */
export const eigenvectors: readonly { readonly dy: readonly number[]; readonly dx: readonly number[] }[] = [
  { dy: [1, 1, 1, 1], dx: [0, 0, 0, 0] },
  { dy: [-3, -1, 1, 3], dx: [-12 / 27, -4 / 27, 4 / 27, 12 / 27] },
  { dy: [1, -1, -1, 1], dx: [1 / 3, -1 / 3, -1 / 3, 1 / 3] },
  { dy: [-1, 3, -3, 1], dx: [-1 / 3, 1, -1, 1 / 3] },
];
/** [N, C] from columns of four: row i is entry i of every channel's column. */
export const interleave = (columns: readonly (readonly number[])[]): number[] =>
  [0, 1, 2, 3].flatMap((row) => columns.map((column) => column[row]!));
