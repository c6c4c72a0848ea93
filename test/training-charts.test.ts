import { expect, test } from "vitest";
import type { Chart } from "../src/report/html/chart.ts";
import { layerDivergenceCharts } from "../src/report/html/layer-divergence-chart.ts";
import { renderMarkup } from "../src/report/html/markup.ts";
import { runPage } from "../src/report/html/run-page.ts";
import { gradientChart, learningCharts } from "../src/report/html/training-charts.ts";
import { type Report, reportOf } from "../src/report/report.ts";
import { measure } from "../src/simulate.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracle: by hand, on reports written here; what is in them is held to PyTorch and to one device elsewhere.

interface Written {
  readonly name: string;
  readonly loss?: readonly (number | null)[];
  readonly error?: readonly (number | null)[];
  readonly norms?: Readonly<Record<string, readonly number[]>>;
  readonly gaps?: Readonly<Record<string, readonly (number | null)[]>>;
}

/** A report of four steps with a point every two, as far as charts read it. */
function reportWith(all: readonly Written[]): Report {
  const normalizers = all.map(({ name, loss = [1, 1], error = [0.5, 0.5], norms = {}, gaps = {} }) => {
    const curve = [2, 4].map((step, point) => ({
      step,
      trainLoss: loss[point],
      trainError: error[point],
      testError: error[point],
    }));
    const gradientNorms = Object.entries(norms).map(([parameter, norm]) => ({ parameter, norm }));
    const layers = Object.entries(gaps).map(([layer, meanGap]) => ({
      name: layer,
      meanGap,
      logVarianceRatio: meanGap,
    }));
    return { name, training: { steps: 4, curve, final: curve[1], gradientNorms, layers } };
  });
  return { normalizers } as unknown as Report;
}

const marksIn = (chart: Chart): number => chart.drawing.content.filter(({ tag }) => tag === "path").length;

test("the title of a curve names the smallest and the largest at the end; what is not finite has no mark", () => {
  const [loss, , testError] = learningCharts(
    reportWith([
      { name: "A", loss: [0.5, 0.25], error: [0.5, 0.125] },
      { name: "B", loss: [1, null], error: [0.5, 0.625] },
      { name: "C", loss: [1, 0.75], error: [0.5, 0.25] },
    ]),
  );
  expect(loss!.title).toBe(
    "A has the smallest train loss after 4 steps, 0.25 nats; C the largest, 0.75 nats.",
  );
  expect(testError!.title).toBe(
    "A has the smallest test error after 4 steps, 12.5 %; B the largest, 62.5 %.",
  );
  // Three in the legend, and two points each but B's last.
  expect(marksIn(loss!)).toBe(3 + 5);
  expect(loss!.table.rows).toContainEqual(["B", "4", "not finite"]);
  expect(testError!.table.rows).toContainEqual(["A", "4", "12.5"]);
});

test("one normaliser is not called the best, and none that is finite is said", () => {
  const titles = (loss: readonly (number | null)[]): string =>
    learningCharts(reportWith([{ name: "A", loss }]))[0]!.title;
  expect(titles([1, 0.5])).toBe("A has 0.5 nats train loss after 4 steps.");
  expect(titles([1, null])).toBe("No train loss after 4 steps is finite.");
});

test("a seventh normaliser is in the table only, and the caption says so", () => {
  const [loss] = learningCharts(reportWith([..."ABCDEFG"].map((name) => ({ name }))));
  expect(loss!.caption).toMatch(/ In the table only: G\.$/);
  expect(loss!.table.rows).toHaveLength(7 * 2);
  expect(marksIn(loss!)).toBe(6 + 6 * 2);
});

test("gradients are drawn by the matrices, with the range of their way; the table has every parameter", () => {
  const chart = gradientChart(
    reportWith([
      { name: "A", norms: { "h0.weight": [1, 2], "h0.norm.weight": [9, 99], "out.weight": [8, 0.5] } },
      { name: "B", norms: { "h0.weight": [0, 1], "h0.norm.weight": [9, 99], "out.weight": [1, 0] } },
    ]),
  );
  expect(chart.title).toBe("A's gradients differ most between layers: 0.5 at out.weight, 2 at h0.weight.");
  expect(chart.table.rows).toHaveLength(6);
  expect(chart.table.rows).toContainEqual(["A", "h0.norm.weight", "9", "99"]);
  // A gradient of 0 has no place on the logarithmic axis, as a mark or as the end of a range.
  expect(marksIn(chart)).toBe(2 + 3);
  const ranges = chart.drawing.content.filter(({ attributes }) =>
    String(attributes.class).startsWith("range"),
  );
  expect(ranges).toHaveLength(2);
});

test("layers whose means are off the whole batch's have a chart for each normaliser; others are named", () => {
  const charts = layerDivergenceCharts(
    reportWith([
      { name: "A", gaps: { h0: [0.1, 0.2], h1: [0.3, 0.4] } },
      { name: "B", gaps: { h0: [0, 1e-8], h1: [0, 0] } },
    ]),
  );
  expect(charts.map(({ title }) => title)).toEqual([
    "A's means are 0.4 deviations off the whole batch's at h1 after 4 steps, 0.2 at h0.",
  ]);
  expect(charts[0]!.caption).toMatch(/no layer differs beyond rounding: B\.$/);
  expect(charts[0]!.table.rows).toContainEqual(["h1", "2", "0.3", "0.3"]);
});

test("of more layers than there are marks, the first and the last are drawn and the table has all", () => {
  const gaps = Object.fromEntries(Array.from({ length: 9 }, (_, layer) => [`h${layer}`, [0.1, 0.1 + layer]]));
  const [chart] = layerDivergenceCharts(reportWith([{ name: "A", gaps }]));
  expect(chart!.caption).toContain(" 6 of 9 layers; the table has all.");
  const drawn = chart!.drawing.content.map(renderMarkup).join("");
  expect(drawn).toContain(">h0<");
  expect(drawn).toContain(">h8<");
  expect(chart!.table.rows).toHaveLength(9 * 2);
});

test("the page of a training run shows what its report holds", async () => {
  const scenario = scenarioFrom({
    mesh: { data: 2 },
    data: { source: "images", samples: 3 },
    normalizers: [
      { name: "local BN", type: "batch-norm", group: "rank" },
      { name: "SyncBN", type: "batch-norm", group: "world" },
    ],
    training: {
      network: { kind: "mlp", hidden: [6, 5] },
      steps: 4,
      optimizer: { type: "sgd", learningRate: 0.1 },
      testSamples: 8,
      evaluateEvery: 2,
    },
  });
  const simulation = await measure(scenario);
  const { normalizers } = reportOf(simulation);
  const origin = { version: "0", command: "normsim run training.yaml" };
  const html = runPage({ simulation, channels: [], written: "", origin }, () => "");
  const headings = [...html.matchAll(/<h2>([^<]*)/g)].map(([, heading]) => heading);
  expect(headings.slice(0, 2)).toEqual(["What was learnt", "Inside the network"]);
  for (const { name, training } of normalizers)
    for (const { step, trainLoss } of training!.curve)
      expect(html).toContain(
        `<th scope="row">${name}</th><td class="number">${step}</td><td class="number">${Number(trainLoss!.toPrecision(6))}</td>`,
      );
  // Cost against what was learnt: there is no y of a whole batch.
  expect(html).toContain("Error: share of the test set");
  expect(html).not.toContain("No choice has a finite error");
  // Local BN alone is apart from the whole batch.
  expect(html).toContain("local BN&#39;s means are ");
  expect(html).toContain("no layer differs beyond rounding: SyncBN.");
});
