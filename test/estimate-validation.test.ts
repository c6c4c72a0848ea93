import { expect, test } from "vitest";
import { p100Host, pullRequestRows } from "../src/cost/estimate/pull-request-38246.ts";
import { syncBatchNormValidation } from "../src/cost/estimate/validation.ts";
import type { SyncBatchNormRow } from "../src/cost/estimate/validation-row.ts";
import { buildModel } from "../src/cost/models/registry.ts";

const rows = syncBatchNormValidation();
const rowOf = (run: string, label: string): SyncBatchNormRow =>
  rows.find((row) => row.run.startsWith(run) && row.label === label)!;

test("every published figure has a prediction inside its own band, a source and a name of its own", () => {
  for (const { run, source, measuredSeconds, predictedSeconds, lowSeconds, highSeconds } of rows) {
    expect(source, run).toMatch(/^https:/);
    expect(measuredSeconds, run).toBeGreaterThan(0);
    expect(lowSeconds, run).toBeLessThanOrEqual(predictedSeconds);
    expect(predictedSeconds, run).toBeLessThanOrEqual(highSeconds);
  }
  expect(new Set(rows.map(({ run, label }) => `${run} ${label}`)).size).toBe(rows.length);
});

test("growth per layer in PyTorch's pull request 38246 is predicted within a factor of 2", () => {
  // Oracle: https://github.com/pytorch/pytorch/pull/38246, milliseconds of the step from 2 GPUs to 4 and 8.
  const published = {
    "efficientnet-b3": { layers: 78, before: [117, 328], after: [56, 184] },
    mobilenetv2: { layers: 52, before: [61, 186], after: [23, 107] },
  };
  for (const [model, { layers, ...times }] of Object.entries(published))
    for (const when of ["before", "after"] as const)
      for (const [index, gpus] of [4, 8].entries()) {
        const { measuredSeconds, predictedSeconds } = rowOf(model, `${gpus} GPUs, ${when}`);
        expect(measuredSeconds).toBeCloseTo((times[when][index]! * 1e-3) / layers, 9);
        const ratio = predictedSeconds / measuredSeconds;
        expect(ratio, `${model} ${gpus} ${when}`).toBeGreaterThan(1 / 2);
        expect(ratio, `${model} ${gpus} ${when}`).toBeLessThan(2);
      }
});

test("growth per layer has the published order: 8 GPUs over 4, before the change over after", () => {
  for (const model of ["efficientnet-b3", "mobilenetv2"]) {
    const of = (gpus: number, when: string): number => rowOf(model, `${gpus} GPUs, ${when}`).predictedSeconds;
    expect(of(8, "before")).toBeGreaterThan(of(4, "before"));
    expect(of(8, "after")).toBeGreaterThan(of(4, "after"));
    expect(of(4, "before")).toBeGreaterThan(of(4, "after"));
    expect(of(8, "before")).toBeGreaterThan(of(8, "after"));
  }
});

test("figures that bound from above are above the prediction, all others inside the stated band", () => {
  for (const { run, label, measuredSeconds, predictedSeconds, isUpperBound, ...band } of rows) {
    const name = `${run}, ${label}`;
    if (isUpperBound) expect(measuredSeconds, name).toBeGreaterThan(predictedSeconds);
    else {
      expect(measuredSeconds, name).toBeGreaterThanOrEqual(band.lowSeconds);
      expect(measuredSeconds, name).toBeLessThanOrEqual(band.highSeconds);
    }
  }
});

test("two negotiation cycles of 5 ms a layer are nearly all of Horovod's HRNet row", () => {
  // Oracle: hand. 10 ms for each BatchNorm of the model; published: 4.5 s - 1.2 s.
  const { predictedSeconds, measuredSeconds } = rowOf("HRNet-W18", "4 V100");
  const layers = buildModel("hrnet-w18").layers.filter(({ kind }) => kind === "batch-norm").length;
  expect((layers * 10e-3) / predictedSeconds).toBeGreaterThan(0.9);
  expect(Math.abs(predictedSeconds / measuredSeconds - 1)).toBeLessThan(0.2);
});

/** The valley of the fit is flat: launches that cost more with less contention fit as well. */
const flatness = 1.25;

test("the host of pull request 38246 fits its rows after the change about as well as any of a grid", () => {
  const misfit = (host: typeof p100Host): number =>
    pullRequestRows(host)
      .filter(({ isFitted }) => isFitted)
      .reduce((sum, row) => sum + Math.log(row.predictedSeconds / row.measuredSeconds) ** 2, 0);
  const grid = [30e-6, 50e-6, 70e-6].flatMap((launchSeconds) =>
    [0.1, 0.3, 0.6].map((contentionPerProcess) => ({ launchSeconds, contentionPerProcess })),
  );
  const best = Math.min(...grid.map(misfit));
  expect(misfit(p100Host)).toBeLessThanOrEqual(flatness * best);
});
