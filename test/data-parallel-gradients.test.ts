import { describe, expect, test } from "vitest";
import { expectClose } from "./support/close.ts";
import { runBatches } from "./support/run-batches.ts";
import { wave } from "./support/wave.ts";

// What data parallel training makes of the weight gradients that SyncBN leaves local. Oracle: algebra. The
// gradient of the mean over ranks of their losses is the mean of what the ranks' layers give.

const channels = 3;
const syncBatchNorm = [{ name: "SyncBN", type: "batch-norm", group: "world", weight: [1.5, -0.5, 2] }];
const sum = (lists: readonly (readonly number[])[]): number[] =>
  lists[0]!.map((_, c) => lists.reduce((total, list) => total + list[c]!, 0));
const scaled = (list: readonly number[], factor: number): number[] => list.map((value) => value * factor);

/** dWeight and dBias of every rank, one list. */
async function weightGradients(
  x: readonly (readonly number[])[],
  dy: readonly (readonly number[])[],
): Promise<number[][]> {
  const { SyncBN } = await runBatches({ channels, x, dy }, syncBatchNorm, ({ dWeight, dBias }) => [
    ...dWeight,
    ...dBias,
  ]);
  return SyncBN!;
}

/** Every rank's samples, and the gradient of a loss of each sample. */
function samplesOf(counts: readonly number[]) {
  return {
    x: counts.map((count, rank) => wave(count * channels, rank)),
    slopes: counts.map((count, rank) => wave(count * channels, rank + 50)),
  };
}

// Sums of 12 products of order 4, in another order.
const tolerance = 1e-13;

describe("dWeight and dBias of SyncBN", () => {
  test("reduced in the layer and again outside are R times the gradient (table test 42)", async () => {
    const counts = [3, 3, 3, 3];
    const { x, slopes } = samplesOf(counts);
    const R = counts.length;
    // Rank losses are local means; data parallel training averages over ranks.
    const local = await weightGradients(
      x,
      slopes.map((slope) => scaled(slope, 1 / 3)),
    );
    const averaged = scaled(sum(local), 1 / R);
    // Oracle: the mean of all losses on one device.
    const [whole] = await weightGradients([x.flat()], [scaled(slopes.flat(), 1 / 12)]);
    expectClose(averaged, whole!, 0, tolerance);
    // A layer that had all-reduced them would hand every rank the sum: exactly R times as much, at R = 2^k.
    const reducedInside = local.map(() => sum(local));
    expect(scaled(sum(reducedInside), 1 / R)).toEqual(scaled(averaged, R));
    expect(local[0]).not.toEqual(sum(local));
  });

  test("averaged over ranks of unequal size are not those of one batch, unless weighted by n·R/N (table test 43)", async () => {
    const counts = [1, 0, 6, 5];
    const { x, slopes } = samplesOf(counts);
    const R = counts.length;
    const N = 12;
    const averaged = async (weightOf: (count: number) => number): Promise<number[]> => {
      const dy = slopes.map((slope, rank) =>
        scaled(slope, weightOf(counts[rank]!) / Math.max(1, counts[rank]!)),
      );
      return scaled(sum(await weightGradients(x, dy)), 1 / R);
    };
    const [whole] = await weightGradients([x.flat()], [scaled(slopes.flat(), 1 / N)]);
    const plain = await averaged(() => 1);
    expect(Math.max(...plain.map((value, c) => Math.abs(value - whole![c]!)))).toBeGreaterThan(0.05);
    expectClose(await averaged((n) => (n * R) / N), whole!, 0, tolerance);
  });
});
