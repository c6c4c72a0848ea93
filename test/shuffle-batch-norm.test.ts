import { describe, expect, test } from "vitest";
import { zMaximum } from "./support/distribution.ts";
import { normalGenerator } from "./support/normal-generator.ts";
import { runBatches } from "./support/run-batches.ts";

// Table test 60. Two views of every sample, correlated by ρ, go through BatchNorm on the same ranks: the mean that
// a rank subtracts from the keys tells which queries they belong to. MoCo shuffles the keys over ranks before
// (arXiv 1911.05722, section 3.3).
//
// Closed form: rank means of B views correlate by ρ times the share of samples that both have: ρ where the keys
// stay, and ρ/R in expectation where they are shuffled over R ranks.

const ranks = 8;
const perRank = 16;
const rho = 0.9;
/** Independent trials: what is measured is measured once per channel. */
const channels = 500;
const batchNorm = [{ name: "BN", type: "batch-norm", group: "rank" }];

describe("means of two views on a rank", () => {
  const normal = normalGenerator(60);
  const samples = ranks * perRank;
  const queries = Array.from({ length: samples }, () => Array.from({ length: channels }, normal));
  const keys = queries.map((query) => query.map((value) => rho * value + Math.sqrt(1 - rho ** 2) * normal()));
  const inOrder = Array.from({ length: samples }, (_, n) => n);

  /** The means that BatchNorm of every rank used for views in this order. */
  const meansOf = async (views: readonly number[][], order: readonly number[]): Promise<number[]> => {
    const x = Array.from({ length: ranks }, (_, rank) =>
      order.slice(rank * perRank, (rank + 1) * perRank).flatMap((n) => views[n]!),
    );
    const { BN } = await runBatches({ channels, x }, batchNorm, ({ used }) => [
      ...used.mean.subarray(0, channels),
    ]);
    return BN!.flat();
  };

  test("correlate by ρ where both stay on their rank", async () => {
    const got = correlation(await meansOf(queries, inOrder), await meansOf(keys, inOrder));
    // Fisher: the standard error of a correlation of n pairs is (1 − ρ²)/√n.
    expect(Math.abs(got - rho)).toBeLessThan((zMaximum * (1 - rho ** 2)) / Math.sqrt(ranks * channels));
  });

  test("correlate by ρ/R where keys are dealt over all ranks, and by ρ times what is shared in any order", async () => {
    const own = await meansOf(queries, inOrder);
    // Dealt in turn, every rank has 1/R of any rank's samples, exactly.
    const dealt = inOrder.map((n) => (n % perRank) * ranks + Math.floor(n / perRank));
    const shuffled = shuffle(inOrder, normal);
    for (const order of [dealt, shuffled]) {
      const shared = order.filter((n, at) => Math.floor(n / perRank) === Math.floor(at / perRank)).length;
      const got = correlation(own, await meansOf(keys, order));
      const want = (rho * shared) / samples;
      expect(Math.abs(got - want)).toBeLessThan(zMaximum / Math.sqrt(ranks * channels));
      if (order === dealt) expect(want).toBe(rho / ranks);
    }
  });
});

/** Of two samples with mean 0. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const product = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

/** In the order of random keys. */
function shuffle(items: readonly number[], normal: () => number): number[] {
  const keyed = items.map((item) => ({ item, key: normal() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
