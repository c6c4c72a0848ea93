import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { sweepParquet } from "../src/node/sweep/parquet.ts";
import { renderSweep } from "../src/node/sweep/sweep-outputs.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { simulate } from "../src/simulate.ts";
import { readStoredReport, storeReport } from "../src/sweep/stored-report.ts";
import { sweepColumns, sweepCsv } from "../src/sweep/table.ts";
import { base } from "./support/scenario-text.ts";

const report = await simulate(parseScenario(base.join("\n"), "s.yaml"));
const [first] = report.normalizers;

test("CSV quotes as RFC 4180 has it, and leaves empty what is null", () => {
  const odd = { ...report, normalizers: [{ ...first!, name: 'a "b", c', implementation: null }] };
  const lines = sweepCsv([{ values: { "data.positions": [7, 7], seed: 1 }, report: odd }]).split("\r\n");
  // By hand, from RFC 4180, rules 2, 6 and 7.
  expect(lines[0]).toMatch(/^data\.positions,seed,name,type,group,implementation,communication\./);
  expect(lines[1]).toMatch(/^"\[7,7\]",1,"a ""b"", c",batch-norm,2,,\d/);
  expect(lines.length).toBe(3);
  expect(lines[2]).toBe("");
});

test("Parquet holds the CSV's rows, with numbers as numbers", async () => {
  const points = [1, 2].map((seed) => ({ values: { seed, "data.positions": [seed, 7] }, report }));
  const rows = await parquetReadObjects({ file: sweepParquet(sweepColumns(points)).slice().buffer });
  const [heading, ...lines] = sweepCsv(points).trimEnd().split("\r\n");
  // Oracle: hyparquet, another program of the same format, reads what was written.
  expect(Object.keys(rows[0]!)).toEqual(heading!.split(","));
  expect(rows.length).toBe(lines.length);
  const perPoint = report.normalizers.length;
  expect(rows.map((row) => row.seed)).toEqual([1, 2].flatMap((seed) => new Array(perPoint).fill(seed)));
  expect(rows[0]!["data.positions"]).toBe("[1,7]");
  for (const [index, row] of rows.entries()) {
    const { name, divergence, communication } = report.normalizers[index % perPoint]!;
    expect(row.name).toBe(name);
    expect(row["divergence.outputMse.mean"]).toBe(divergence.outputMse.mean);
    expect(row["divergence.outputMse.expected"]).toBe(divergence.outputMse.expected);
    expect(row["communication.total.wireBytes"]).toBe(communication.total.wireBytes);
  }
});

test("a Parquet column that mixes numbers and text is text, and one of nulls is read back as nulls", async () => {
  const columns = [
    { name: "group", values: [4, "world", null] },
    { name: "nothing", values: [null, null, null] },
    { name: "holds", values: [true, null, false] },
  ];
  const rows = await parquetReadObjects({ file: sweepParquet(columns).slice().buffer });
  expect(rows.map(({ group }) => group ?? null)).toEqual(["4", "world", null]);
  expect(rows.map(({ nothing }) => nothing ?? null)).toEqual([null, null, null]);
  expect(rows.map(({ holds }) => holds ?? null)).toEqual([true, null, false]);
});

test("CSV has one row per point and normaliser, each as wide as the heading", () => {
  const csv = sweepCsv([1, 2, 3].map((seed) => ({ values: { seed }, report })));
  const rows = csv.trimEnd().split("\r\n");
  expect(rows.length).toBe(1 + 3 * report.normalizers.length);
  expect(new Set(rows.map((row) => row.split(",").length)).size).toBe(1);
  expect(csv).not.toContain("wallSeconds");
});

test("the table has the paths first, then the normaliser, and fits into 100 columns", () => {
  const values = { "data.samples": 2, seed: 1 };
  const table = renderSweep([{ values, report }], 100);
  const [heading, ...rows] = table.split("\n");
  expect(heading).toMatch(/^data\.samples +seed +normaliser +/);
  expect(rows.filter((row) => /^2 +1 +BN /.test(row)).length).toBe(1);
  expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("many long paths and names still fit into 100 columns: the number of the point stands for them", () => {
  const paths = Array.from({ length: 8 }, (_, index) => `normalizers[${index}].implementation.of.something`);
  const values = Object.fromEntries(paths.map((path) => [path, "a long text that is longer than a cell"]));
  const long = { ...report, normalizers: [{ ...first!, name: "x".repeat(100) }] };
  const table = renderSweep([{ values, report: long }], 100);
  expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(table.split("\n")[0]).toMatch(/^point +normaliser/);
});

test("a stored report is the report without wallSeconds", () => {
  const stored = storeReport(report);
  expect(stored).not.toContain("wallSeconds");
  const read = readStoredReport(stored)!;
  expect(read.normalizers.map(({ divergence }) => divergence)).toEqual(
    report.normalizers.map(({ divergence }) => divergence),
  );
  for (const text of ["", "{", "null", "3", "{}", '{"version":2,"normalizers":[]}'])
    expect(readStoredReport(text)).toBeUndefined();
});
