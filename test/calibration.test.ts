import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRun, operationOfProgram, versionOfCode } from "../src/cost/calibration/benchmark-run.ts";
import { calibrateCluster } from "../src/cost/calibration/fit.ts";
import { readJsonOutput } from "../src/cost/calibration/json-output.ts";
import { readTextOutput } from "../src/cost/calibration/text-output.ts";
import type { Cluster } from "../src/cost/cluster.ts";
import { predictCollective } from "../src/cost/nccl/predict.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { ScenarioError } from "../src/errors.ts";
import { jsonOutput, type PrintedRun, textOutput } from "./support/nccl-tests-output.ts";

const base = clusterPresets["dgx-a100"]!;
const sizes = Array.from({ length: 28 }, (_, index) => 8 * 2 ** index);

function runOn(cluster: Cluster, nodes: number): PrintedRun {
  const request = { cluster, operation: "all-reduce", nodes, gpusPerNode: 8 } as const;
  const rows = sizes.map((bytes) => ({ bytes, seconds: predictCollective({ ...request, bytes }).seconds }));
  return { operation: "all-reduce", device: "NVIDIA A100-SXM4-40GB", nodes, gpusPerNode: 8, rows };
}

function message(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return "";
}

describe("an output of nccl-tests", () => {
  const run = runOn(base, 2);

  test("says the same as text and as JSON", () => {
    const [text, json] = [readTextOutput(textOutput(run), "run"), readJsonOutput(jsonOutput(run), "run")];
    const said = { operation: "all-reduce", nodes: 2, ranks: 16, device: run.device, ncclVersion: "2.26" };
    expect(text).toMatchObject(said);
    expect(json).toMatchObject(said);
    expect(text.rows.length).toBe(2 * sizes.length);
    // Text has two decimals of a microsecond.
    text.rows.forEach(({ bytes, seconds }, index) => {
      expect(bytes).toBe(json.rows[index]!.bytes);
      expect(Math.abs(seconds - json.rows[index]!.seconds)).toBeLessThanOrEqual(0.0051e-6);
    });
    checkRun(text);
    checkRun(json);
  });

  test("is found behind a launcher's labels and among other lines", () => {
    const labelled = textOutput(run).replaceAll(/^/gm, "[1,0]<stdout>:");
    const noisy = `srun: job 17\n${labelled}\nnode0: NCCL INFO comm 0x1 rank 0\n`;
    expect(readTextOutput(noisy, "run").rows.length).toBe(2 * sizes.length);
  });

  test("counts every GPU of a process in JSON", () => {
    const json = JSON.parse(jsonOutput(run));
    json.config.ngpus = 8;
    json.config.devices = json.config.devices.filter(({ rank }: { rank: number }) => rank % 8 === 0);
    expect(readJsonOutput(JSON.stringify(json), "run").ranks).toBe(16);
  });

  // Oracle: NCCL's NCCL_VERSION macro: x*1000 + y*100 + z up to 2.8, x*10000 + y*100 + z since.
  test("has NCCL's version as its number", () => {
    expect([22602, 2804, 21805, 7, 1.5].map(versionOfCode)).toEqual([
      "2.26",
      "2.8",
      "2.18",
      undefined,
      undefined,
    ]);
  });

  test("of a collective that is not modelled has no operation", () => {
    expect(operationOfProgram("./build/reduce_scatter_perf")).toBe("reduce-scatter");
    expect(operationOfProgram("./build/alltoall_perf")).toBeUndefined();
  });
});

describe("nonsense is refused", () => {
  const run = runOn(base, 2);
  const text = textOutput(run);
  const line = text.split("\n").findIndex((written) => written.includes(" 8388608 ")) + 1;
  const [, time, algorithm, bus] = /8388608 .* -1\s+(\S+)\s+(\S+)\s+(\S+)/.exec(text)!;
  const rows: [what: string, text: string, RegExp][] = [
    [
      "a negative time",
      text.replace(time!, `-${time}`),
      new RegExp(`^run:${line}: 8388608 B: expected a time above 0`),
    ],
    ["a time of zero", text.replace(time!, "0.00"), /expected a time above 0/],
    [
      "an algbw that is not size over time",
      text.replace(` ${algorithm} `, " 999.9 "),
      /algbw 999.9 GB\/s is not size/,
    ],
    [
      "a busbw above what size and time say",
      text.replace(` ${bus} `, " 999.9 "),
      /busbw 999.9 GB\/s is not what/,
    ],
    ["three sizes", textOutput({ ...run, rows: run.rows.slice(0, 3) }), /at least 4 sizes, got 3/],
    ["no rows", "hello", /at least 4 sizes, got 0/],
    ["nothing", "", /at least 4 sizes, got 0/],
  ];
  for (const [what, written, expected] of rows) {
    test(`such as ${what}`, () => {
      expect(message(() => checkRun(readTextOutput(written, "run")))).toMatch(expected);
    });
  }

  test("such as JSON that is cut off, or is another's", () => {
    expect(message(() => readJsonOutput('{"results": [', "run"))).toMatch(/^run: is not JSON/);
    expect(message(() => readJsonOutput('{"result": []}', "run"))).toMatch(/expected "results"/);
    expect(message(() => checkRun(readJsonOutput('{"results": [null, 7, {"size": "x"}]}', "run")))).toMatch(
      /got 0/,
    );
  });

  test("whatever the text: a ScenarioError or rows, never a crash", () => {
    const cell = fc.oneof(
      fc.constantFrom("-1", "0", "1e999", "NaN", "N/A", "8", "float", "#", "size", "time"),
      fc.string(),
    );
    const anyText = fc.array(fc.array(cell).map((cells) => cells.join(" "))).map((lines) => lines.join("\n"));
    void fc.assert(
      fc.property(anyText, (written) => void message(() => checkRun(readTextOutput(written, "run")))),
    );
    void fc.assert(
      fc.property(fc.json(), (written) => void message(() => checkRun(readJsonOutput(written, "run")))),
    );
    const results = fc.record({ results: fc.array(fc.object()), config: fc.anything(), args: fc.anything() });
    void fc.assert(
      fc.property(
        results,
        (value) => void message(() => checkRun(readJsonOutput(JSON.stringify(value), "run"))),
      ),
    );
  });
});

// Oracle: the parameters that the measurements were made with.
test("calibration finds the launch and the step that measurements were made with", () => {
  const truth: Cluster = {
    ...base,
    launchSeconds: 12e-6,
    inter: { ...base.inter, stepLatencySeconds: 7.7e-6, bandwidthBytesPerSecond: 12.5e9 },
  };
  const points = [1, 2, 4].flatMap((nodes) =>
    runOn(truth, nodes).rows.map(({ bytes, seconds }) => ({
      request: { operation: "all-reduce", nodes, gpusPerNode: 8, bytes } as const,
      measuredSeconds: seconds,
    })),
  );
  const { cluster, residuals } = calibrateCluster(base, points);
  // The last cells are 4 / 24^2 of the first, ln 1000 / 24 at most: 0.2 %. Launch and steps stand in for
  // each other: ten times that.
  const near = (got: number, want: number) => expect(Math.abs(got / want - 1), `${got}`).toBeLessThan(0.02);
  near(cluster.launchSeconds!, 12e-6);
  near(cluster.inter.stepLatencySeconds!, 7.7e-6);
  // The channels' speeds come in steps: 12.5 GB/s is 12 for NCCL, and so is up to 15 / 0.96.
  expect(cluster.inter.bandwidthBytesPerSecond).toBeGreaterThan(11e9);
  expect(cluster.inter.bandwidthBytesPerSecond).toBeLessThan(15.7e9);
  for (const { predictedSeconds, measuredSeconds } of residuals) near(predictedSeconds, measuredSeconds);
});

test("calibration on one node leaves the network alone", () => {
  const points = runOn({ ...base, launchSeconds: 14e-6 }, 1).rows.map(({ bytes, seconds }) => ({
    request: { operation: "all-reduce", nodes: 1, gpusPerNode: 8, bytes } as const,
    measuredSeconds: seconds,
  }));
  expect(calibrateCluster(base, points).cluster.inter).toEqual(base.inter);
});
