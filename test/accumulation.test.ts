import { expect, test } from "vitest";
import { simulate } from "../src/simulate.ts";
import { emptyMoments, mergeMoments, momentsOf, variance } from "../src/statistics/moments.ts";
import { expectRelative } from "./support/close.ts";
import { channelValues, measured } from "./support/evaluated.ts";
import { scenarioFrom } from "./support/scenario.ts";

const base = {
  seed: 5,
  mesh: { data: 4 },
  data: { source: "gaussian", samples: 3, channels: 5, mean: 2 },
  normalizers: [
    { name: "local", type: "batch-norm" },
    { name: "sync", type: "batch-norm", group: "world", buffers: "broadcast" },
    { name: "LN", type: "layer-norm" },
  ],
};

test("k microbatches a step are k steps' microbatches, with gradients summed and communication per step", async () => {
  // Invariant: same streams, so the same y and running statistics; dWeight by addition in order.
  const [k, steps] = [3, 2];
  const runs = [
    { ...base, trainingSteps: steps, accumulation: k },
    { ...base, trainingSteps: steps * k },
  ].map(async (fields) => {
    const passes: { y: number[]; running: number[]; dWeight: number[] }[] = [];
    const report = await simulate(scenarioFrom(fields), {
      onPass({ ranks, normalizer }) {
        passes.push({
          y: Array.from(ranks[2]!.y),
          // One broadcast a step, not one a microbatch: only local is the same.
          running: normalizer === 0 ? Array.from(ranks[2]!.runningVariance[0]!) : [],
          dWeight: Array.from(ranks[2]!.dWeight),
        });
      },
    });
    return { passes, report };
  });
  const [accumulated, single] = await Promise.all(runs);
  const bare = ({ y, running }: { y: number[]; running: number[] }) => ({ y, running });
  expect(accumulated!.passes.map(bare)).toEqual(single!.passes.map(bare));
  const count = base.normalizers.length;
  for (const [index, { dWeight }] of accumulated!.passes.entries()) {
    const first = Math.floor(index / (k * count)) * k * count + (index % count);
    const sum = new Array<number>(5).fill(0);
    for (let at = first; at <= index; at += count)
      for (let c = 0; c < 5; c++) sum[c] = sum[c]! + single!.passes[at]!.dWeight[c]!;
    expect(dWeight).toEqual(sum);
  }
  // By hand: SyncBN has a forward and a backward collective each microbatch, DDP one broadcast each step.
  const collectives = [accumulated!, single!].map(
    ({ report }) => report.normalizers[1]!.communication.total.collectives,
  );
  expect(collectives).toEqual([2 * k * steps + steps, 3 * k * steps]);
});

test("deferred running statistics take in a step's values once, as one batch", async () => {
  // Slow reference: all values of a step, in one list.
  const [k, steps, m] = [4, 3, 0.25];
  const fields = {
    ...base,
    storage: "float64",
    trainingSteps: steps,
    accumulation: k,
    normalizers: [{ name: "deferred", type: "batch-norm", deferred: true, virtualBatch: 2, momentum: m }],
    evaluation: { batches: 1 },
  };
  const { ranks, whole } = (await measured(fields)).deferred!.evaluation!;
  const scenario = scenarioFrom(fields);
  let [mean, spread, wholeMean] = [0, 1, 0];
  for (let step = 0; step < steps; step++) {
    const values = (rank: number) =>
      Array.from({ length: k }, (_, j) => channelValues(scenario, rank, step * k + j, 3)).flat();
    const moments = momentsOf(values(1));
    mean = (1 - m) * mean + m * moments.mean;
    spread = (1 - m) * spread + m * variance(moments, "unbiased");
    const all = [0, 1, 2, 3].map((rank) => momentsOf(values(rank))).reduce(mergeMoments, emptyMoments);
    wholeMean = (1 - m) * wholeMean + m * all.mean;
  }
  // A dozen float64 operations on numbers of one size.
  expectRelative(ranks[1]!.mean[3]!, mean, 1e-12);
  expectRelative(ranks[1]!.variance[3]!, spread, 1e-12);
  expectRelative(whole.running.runningMean[3]!, wholeMean, 1e-12);
});

test("8 updates a step leave 0.9^(8·t) of the start, 16 of two slices 0.9^(16·t), a deferred one 0.9^t", async () => {
  // Closed form, on data that hardly vary: std 1e-6 of the start's distance.
  const report = await simulate(
    scenarioFrom({
      ...base,
      data: { source: "gaussian", samples: 3, channels: 5, mean: 1, std: 1e-6 },
      storage: "float64",
      trainingSteps: 2,
      accumulation: 8,
      normalizers: [
        base.normalizers[0],
        { ...base.normalizers[0], name: "ghost", virtualBatch: 2 },
        { ...base.normalizers[0], name: "deferred", deferred: true },
      ],
      evaluation: { batches: 1 },
    }),
  );
  for (const [index, left] of [0.9 ** 16, 0.9 ** 32, 0.9 ** 2].entries()) {
    const { expected, mean } = report.normalizers[index]!.runningStatistics!.meanLag;
    expectRelative(expected, left * 1e6, 1e-9);
    // The held-out V is estimated from 12 values: its square root is off by up to half.
    expectRelative(mean, left * 1e6, 0.5);
  }
});
