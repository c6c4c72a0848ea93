import { describe, expect, test } from "vitest";
import type { Schedule } from "../src/collectives/schedule.ts";
import type { CollectiveRecord } from "../src/engine/simulation.ts";
import type { Chart } from "../src/report/html/chart.ts";
import { divergenceChart } from "../src/report/html/divergence-chart.ts";
import { linkChart } from "../src/report/html/link-chart.ts";
import { element, renderMarkup } from "../src/report/html/markup.ts";
import { frontOf } from "../src/report/html/pareto-chart.ts";
import { rankStatisticsChart } from "../src/report/html/rank-statistics-chart.ts";
import { runPage } from "../src/report/html/run-page.ts";
import { type ChannelStatistics, StatisticsObserver } from "../src/report/rank-statistics.ts";
import { reportOf } from "../src/report/report.ts";
import { measure } from "../src/simulate.ts";
import { mergeMoments } from "../src/statistics/moments.ts";
import { scenarioFrom } from "./support/scenario.ts";

const data = { source: "gaussian", samples: 2, channels: 12, positions: [3] };

/** Run a scenario and keep what a page about it needs; `localMeans` are the ranks' means of channel 0. */
async function runFor(fields: Record<string, unknown>) {
  const scenario = scenarioFrom({ data, ...fields });
  const observer = new StatisticsObserver(scenario);
  let localMeans: number[] = [];
  const used: { count: number; mean: number; m2: number }[][] = [];
  const simulation = await measure(scenario, {
    onPass(pass) {
      observer.observe(pass);
      localMeans = pass.ranks.map(({ localMean }) => localMean[0]!);
      used.push(
        pass.ranks.map(({ used: { count, mean, m2 } }) => ({ count: count[0]!, mean: mean[0]!, m2: m2[0]! })),
      );
    },
  });
  return { simulation, report: reportOf(simulation), channels: observer.channels, localMeans, used };
}

const syncBN = { name: "SyncBN", type: "batch-norm", group: "world" };
const localBN = { name: "local BN", type: "batch-norm", group: "rank" };

describe("markup", () => {
  test("text and attributes are escaped, coordinates rounded, missing children left out", () => {
    const written = element("p", { title: `"<&'>"`, x: 1 / 3, hidden: true, inert: false }, null, "<b>&", [
      "'",
    ]);
    expect(renderMarkup(written)).toBe(
      `<p title="&quot;&lt;&amp;&#39;&gt;&quot;" x="0.33" hidden>&lt;b&gt;&amp;&#39;</p>`,
    );
  });

  test("a script cannot be ended by its text, nor a tag or attribute be smuggled in", () => {
    expect(renderMarkup(element("script", {}, "1 < 2"))).toBe("<script>1 < 2</script>");
    expect(() => renderMarkup(element("script", {}, "</script>"))).toThrow(/would end it/);
    expect(() => renderMarkup(element("p x"))).toThrow(/no element/);
    expect(() => renderMarkup(element("p", { "a=b": "" }))).toThrow(/no attribute/);
  });
});

/** Slow reference: what sampled elements hold after each step, from what they held at first. Sends read copies of the step's begin. */
function replay(
  { source, target, offset, length, reduces, stepStart, stepCount, elements }: Schedule,
  sampled: readonly number[],
  first: readonly (readonly (readonly number[])[])[],
  reduce: (own: readonly number[], incoming: readonly number[]) => number[],
): number[][][][] {
  const frames = [first.map((rank) => rank.map((values) => [...values]))];
  for (let step = 0; step < stepCount; step++) {
    const before = frames.at(-1)!;
    const after = before.map((rank) => rank.map((values) => [...values]));
    for (let i = stepStart[step]!; i < stepStart[step + 1]!; i++) {
      for (const [at, sample] of sampled.entries()) {
        if ((sample - offset[i]! + elements) % elements >= length[i]!) continue;
        const own = after[target[i]!]!;
        const incoming = before[source[i]!]![at]!;
        own[at] = reduces[i] === 1 ? reduce(own[at]!, incoming) : [...incoming];
      }
    }
    frames.push(after);
  }
  return frames;
}

const round = Math.fround;
const add = (own: readonly number[], incoming: readonly number[]): number[] =>
  own.map((value, at) => round(value + incoming[at]!));
function merge([count, mean, m2]: readonly number[], [n, m, s]: readonly number[]): number[] {
  const pooled = mergeMoments({ count: count!, mean: mean!, m2: m2! }, { count: n!, mean: m!, m2: s! });
  return [pooled.count, pooled.mean, pooled.m2].map(round);
}

/** Frames of a sample, [step][rank][element][value]. */
function framesOf({ entries, shape: { valuesPerElement } }: CollectiveRecord): number[][][][] {
  const samples = entries.map(({ sample }) => sample!);
  return samples[0]!.values.map((_, step) =>
    samples.map(({ values, elements }) =>
      elements.map((_, at) => values[step]!.slice(at * valuesPerElement, (at + 1) * valuesPerElement)),
    ),
  );
}

describe("the sample of a collective", () => {
  const ways = [
    { allReduce: "ring", ranks: 4 },
    { allReduce: "recursive-doubling", ranks: 5 },
    { allReduce: "rabenseifner", ranks: 8 },
    { allReduce: "double-binary-tree", ranks: 6 },
    { allReduce: "star", ranks: 3 },
  ];
  for (const { allReduce, ranks } of ways) {
    test(`of moments, ${allReduce} over ${ranks} ranks, is a replay bit for bit and ends with the statistics in use`, async () => {
      const { simulation, used } = await runFor({
        mesh: { data: ranks },
        normalizers: [{ ...syncBN, implementation: "all-reduce-moments" }],
        algorithms: { allReduce },
      });
      const record = simulation.normalizers[0]!.collectives[0]!;
      const frames = framesOf(record);
      expect(frames).toHaveLength(record.schedule.stepCount + 1);
      expect(frames).toEqual(replay(record.schedule, record.entries[0]!.sample!.elements, frames[0]!, merge));
      const channel0 = frames.at(-1)!.map((rank) => rank[0]!);
      expect(channel0).toEqual(used[0]!.map(({ count, mean, m2 }) => [count, mean, m2]));
    });
  }

  test("of sums is a replay bit for bit", async () => {
    const { simulation } = await runFor({
      mesh: { tensor: 4, data: 1 },
      normalizers: [{ name: "RMSNorm", type: "rms-norm" }],
    });
    const record = simulation.normalizers[0]!.collectives[0]!;
    const frames = framesOf(record);
    expect(frames).toEqual(replay(record.schedule, record.entries[0]!.sample!.elements, frames[0]!, add));
  });

  test("of an all-gather brings every rank's rounded mean of channel 0 to every rank", async () => {
    const { simulation, localMeans } = await runFor({ mesh: { data: 5 }, normalizers: [syncBN] });
    const last = framesOf(simulation.normalizers[0]!.collectives[0]!).at(-1)!;
    for (const rank of last) expect(rank.flat()).toEqual(localMeans.map(round));
  });

  test("is kept of the first collective alone, on at most eight ranks of the first group", async () => {
    const normalizers = [syncBN, { ...syncBN, name: "SyncBN/3", group: 3 }];
    const { simulation } = await runFor({ mesh: { data: 12 }, normalizers, trainingSteps: 2 });
    const kept = simulation.normalizers.map(({ collectives }) =>
      collectives.map(({ entries }) => entries.filter(({ sample }) => sample !== undefined).length),
    );
    expect(kept[0]).toEqual([8, 0, 0, 0]);
    expect(kept[1]!.reduce((sum, it) => sum + it, 0)).toBe(3);
  });
});

describe("charts", () => {
  test("the means in the table are the ranks' and the batch's, of the channel that is farthest apart", async () => {
    const { channels } = await runFor({ mesh: { data: 4 }, normalizers: [localBN, syncBN] });
    const [farthest] = channels as [ChannelStatistics];
    // By definition: no channel has a larger gap, and the batch's mean is the mean of equal ranks' means.
    expect(channels.every(({ gap }) => gap <= farthest.gap)).toBe(true);
    const mean = farthest.local.reduce((sum, rank) => sum + rank.mean, 0) / 4;
    expect(farthest.whole.mean).toBeCloseTo(mean, 12);
    const { table, title } = rankStatisticsChart(channels, "mean");
    const numberOf = (cell: string): number => Number(cell.replace("−", "-"));
    const rows = table.rows.filter(([channel]) => channel === `${farthest.channel}`);
    for (const [rank, [, name, whole, own, synchronized]] of rows.entries()) {
      expect(name).toBe(`${rank}`);
      expect(numberOf(own!)).toBeCloseTo(farthest.local[rank]!.mean, 5);
      for (const cell of [whole!, synchronized!]) expect(numberOf(cell)).toBeCloseTo(farthest.whole.mean, 5);
    }
    expect(title).toContain(`In channel ${farthest.channel}, the mean of rank `);
    expect(title).toContain("what SyncBN uses is not");
  });

  test("the error of y by channel has the report's mean square and expectation", async () => {
    const { simulation, report } = await runFor({
      mesh: { data: 4 },
      normalizers: [localBN, syncBN],
      trainingSteps: 3,
    });
    const { table, title, caption } = divergenceChart(report, simulation);
    const shares = table.rows.slice(0, -1).map((row) => Number.parseFloat(row[1]!) / 100);
    const { mean, expected } = report.normalizers[0]!.divergence.outputMse;
    // Three significant digits in each cell.
    expect(shares.reduce((sum, share) => sum + share * share, 0) / 12 / mean!).toBeCloseTo(1, 2);
    expect((Number.parseFloat(table.rows.at(-1)![1]!) / 100) ** 2 / expected!).toBeCloseTo(1, 2);
    expect(title).toMatch(/^local BN is off by .+, as much as sampling alone explains/);
    expect(caption).toContain("no channel differs beyond rounding: SyncBN.");
  });

  test("titles say what the data say", async () => {
    const titleOf = async (fields: Record<string, unknown>): Promise<string> => {
      const { report, simulation } = await runFor({ mesh: { data: 4 }, ...fields });
      return divergenceChart(report, simulation).title;
    };
    const skew = {
      source: "label-skew",
      samples: 32,
      channels: 12,
      classes: 10,
      concentration: 1,
      classSpread: 1,
    };
    expect(await titleOf({ normalizers: [syncBN] })).toMatch(/^No channel's y differs/);
    expect(await titleOf({ normalizers: [localBN], data: skew })).toMatch(/; sampling alone explains .+\.$/);
  });

  test("the map of links adds up to the ledger's bytes and sees nodes", async () => {
    const cluster = { preset: "dgx-a100", gpusPerNode: 4 };
    const { simulation, report } = await runFor({
      mesh: { data: 8 },
      normalizers: [syncBN],
      cluster,
      trainingSteps: 2,
    });
    const { table, title } = linkChart(simulation.normalizers[0]!, simulation);
    const bytes = table.rows.reduce((sum, row) => sum + Number(row[2]), 0);
    expect(2 * bytes).toBe(report.normalizers[0]!.communication.total.wireBytes);
    // A ring of 8 on two nodes of 4: from 3 to 4 and from 7 to 0.
    expect(title).toMatch(/^SyncBN uses 8 of 56 links, with .+ each; 2 of them leave a node\.$/);
  });

  test("more ranks and channels than fit are drawn in blocks, and the caption says so", async () => {
    const many = { source: "gaussian", samples: 2, channels: 300 };
    const { simulation, report, channels } = await runFor({
      mesh: { data: 80 },
      data: many,
      normalizers: [localBN, { ...syncBN, group: 8 }],
    });
    const said = (chart: Chart): [string, number] => [chart.caption, chart.table.rows.length];
    expect(said(divergenceChart(report, simulation))).toEqual([
      expect.stringContaining("Each mark stands for 3 channels"),
      100 + 1,
    ]);
    expect(said(rankStatisticsChart(channels, "mean"))).toEqual([
      expect.stringContaining("Each mark stands for 2 ranks"),
      3 * 40,
    ]);
    const [caption] = said(linkChart(simulation.normalizers[1]!, simulation));
    expect(caption).toContain("blocks of 3 by 3 ranks");
  });

  test("the front of cost and error is what no other choice beats", () => {
    const choice = (name: string, seconds: number, error: number) => ({ name, kind: name, seconds, error });
    const all = [
      choice("a", 0, 5),
      choice("b", 1, 6),
      choice("c", 2, 1),
      choice("d", 2, 3),
      choice("e", 4, 1),
    ];
    expect(frontOf(all).map(({ name }) => name)).toEqual(["a", "c"]);
  });
});

test("a page stays small for the largest world", async () => {
  const { simulation, channels } = await runFor({
    mesh: { data: 1024 },
    data: { source: "gaussian", samples: 1, channels: 16 },
    normalizers: [localBN, { ...syncBN, implementation: "all-reduce-moments" }],
    algorithms: { allReduce: "recursive-doubling" },
  });
  const origin = { version: "0", command: "normsim run large.yaml" };
  const html = runPage({ simulation, channels, written: "", origin }, () => "");
  expect(html.length).toBeLessThan(2e6);
});
