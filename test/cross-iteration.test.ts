import { describe, test } from "vitest";
import { momentsOf } from "../src/statistics/moments.ts";
import { expectClose } from "./support/close.ts";
import { runBatches } from "./support/run-batches.ts";
import { wave } from "./support/wave.ts";

// Table test 61. Cross-iteration batch normalisation (Yao et al. 2020, arXiv 2002.05712) reuses the statistics of
// earlier steps, moved to the weights of today by a first-order expansion. For a linear layer y = W·a with
// fixed inputs, μ = W·ā is linear in W and ν = E[y²] = diag(W S Wᵀ), S = E[a·aᵀ], quadratic: the expansion is
// exact for μ and leaves diag(ΔW S ΔWᵀ) in ν.

const inputs = 4;
const outputs = 3;
const samples = 11;
const a = Array.from({ length: samples }, (_, n) => wave(inputs, n + 1).map((value) => value + 0.5));
const before = Array.from({ length: outputs }, (_, i) => wave(inputs, 20 + i));
const change = Array.from({ length: outputs }, (_, i) => wave(inputs, 40 + i).map((value) => value / 4));
const after = before.map((row, i) => row.map((value, j) => value + change[i]![j]!));

const dot = (u: readonly number[], v: readonly number[]): number =>
  u.reduce((sum, value, j) => sum + value * v[j]!, 0);
const apply = (W: readonly (readonly number[])[]): number[] =>
  a.flatMap((row) => W.map((weights) => dot(weights, row)));
const meanA = Array.from({ length: inputs }, (_, j) => momentsOf(a.map((row) => row[j]!)).mean);
const S = meanA.map((_, j) => meanA.map((_, k) => momentsOf(a.map((row) => row[j]! * row[k]!)).mean));

/** μ and ν of every output, from the statistics that SyncBN over three ranks used. */
async function statisticsOf(W: readonly (readonly number[])[]) {
  const y = apply(W);
  const cuts = [0, 4, 9, samples].map((n) => n * outputs);
  const x = cuts.slice(1).map((end, rank) => y.slice(cuts[rank], end));
  const { BN } = await runBatches(
    { channels: outputs, x },
    [{ name: "BN", type: "batch-norm", group: "world" }],
    ({ used }) => {
      const mean = [...used.mean.subarray(0, outputs)];
      return { mean, square: mean.map((m, i) => used.m2[i]! / samples + m * m) };
    },
  );
  return BN![0]!;
}

describe("compensating the statistics of a linear layer for a change of its weights", () => {
  // Sums of 11 products of order 10.
  const tolerance = 1e-13;

  test("is exact for the mean", async () => {
    const [old, now] = [await statisticsOf(before), await statisticsOf(after)];
    const compensated = old.mean.map((mean, i) => mean + dot(change[i]!, meanA));
    expectClose(compensated, now.mean, 0, tolerance);
  });

  test("errs by diag(ΔW S ΔWᵀ) for the mean square", async () => {
    const [old, now] = [await statisticsOf(before), await statisticsOf(after)];
    const form = (u: readonly number[], v: readonly number[]): number =>
      dot(
        u,
        S.map((row) => dot(row, v)),
      );
    const compensated = old.square.map((square, i) => square + 2 * form(change[i]!, before[i]!));
    const error = now.square.map((square, i) => square - compensated[i]!);
    expectClose(
      error,
      change.map((row) => form(row, row)),
      0,
      tolerance,
    );
  });
});
