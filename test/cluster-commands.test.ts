import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { measuredCollectives } from "../src/cost/nccl/measured/measurements.ts";
import { predictCollective } from "../src/cost/nccl/predict.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { calibrate } from "../src/node/calibrate.ts";
import { collective } from "../src/node/collective.ts";
import { validate } from "../src/node/validate.ts";
import { parseCluster } from "../src/scenario/cluster-document.ts";
import { type PrintedRun, textOutput } from "./support/nccl-tests-output.ts";

const folder = mkdtempSync(join(tmpdir(), "normsim-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function printed(act: () => Promise<void>): Promise<string> {
  let text = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    await act();
  } finally {
    spy.mockRestore();
  }
  return text;
}

test("collective prints one JSON row for every size, in SI units", async () => {
  const options = {
    cluster: "dgx-h100",
    nodes: "2",
    gpusPerNode: "8",
    bytes: "8KiB,1MiB",
    nccl: "2.26",
    json: true,
  };
  const output = JSON.parse(await printed(() => collective("all-gather", options)));
  expect(output).toMatchObject({
    operation: "all-gather",
    cluster: "dgx-h100",
    nodes: 2,
    gpusPerNode: 8,
    nccl: "2.26",
  });
  // Oracle: the library's own prediction.
  const request = {
    cluster: clusterPresets["dgx-h100"]!,
    operation: "all-gather",
    nodes: 2,
    gpusPerNode: 8,
  } as const;
  const want = [8192, 2 ** 20].map((bytes) => {
    const { notes, ...row } = predictCollective({ ...request, bytes, ncclVersion: "2.26" });
    expect(notes).toEqual([]);
    return { sizeBytes: bytes, ...row };
  });
  expect(output.rows).toEqual(want);
});

test("collective takes a cluster file", async () => {
  const file = join(folder, "lab.yaml");
  writeFileSync(file, "preset: dgx-a100\ngpusPerNode: 4\n");
  const text = await printed(() => collective("all-reduce", { cluster: file, bytes: "8KiB" }));
  expect(text).toMatch(/all-reduce on dgx-a100 \(modified\): 1 x 4 ranks/);
});

test("collective names every fault of its arguments at once", async () => {
  const options = { cluster: "dgx-a100", nodes: "0", gpusPerNode: "9", bytes: "8Gb", nccl: "3.1" };
  await expect(collective("allreduce", options)).rejects.toThrow(
    /did you mean "all-reduce"\?\n--nodes: .*\n--gpus-per-node: .*1 to 8.*\n--bytes: .*\n--nccl: /,
  );
});

test("a cluster that is neither a preset nor a file is refused", async () => {
  const of = (cluster: string) => collective("all-reduce", { cluster, bytes: "8" });
  await expect(of("dgx-a10")).rejects.toThrow(/did you mean "dgx-a100"/);
  await expect(of("./none.yaml")).rejects.toThrow(/no such file/);
});

function logFile(name: string, change: Partial<PrintedRun> = {}): string {
  const request = {
    cluster: clusterPresets["dgx-h100"]!,
    operation: "all-reduce",
    nodes: 2,
    gpusPerNode: 8,
  } as const;
  const rows = [8, 1024, 65536, 2 ** 20, 2 ** 26, 2 ** 30].map((bytes) => ({
    bytes,
    seconds: predictCollective({ ...request, bytes, ncclVersion: "2.26" }).seconds,
  }));
  const file = join(folder, name);
  writeFileSync(file, textOutput({ ...request, device: "NVIDIA H100 80GB HBM3", rows, ...change }));
  return file;
}

test("calibrate prints a cluster file with the residual of every row as comments", async () => {
  const file = logFile("h100.log");
  const text = await printed(() => calibrate([file], {}));
  const cluster = parseCluster(text, "calibrated.yaml");
  expect(cluster).toMatchObject({ name: "dgx-h100 (calibrated)", gpu: "h100", gpusPerNode: 8, nccl: "2.26" });
  expect(text.match(/^# all-reduce {2}2 x 8 /gm)?.length).toBe(12);
  expect(text).toMatch(/# median error 0\.\d %/);
});

test("calibrate refuses what does not say enough", async () => {
  await expect(calibrate([logFile("x.log", { device: "Quadro" })], {})).rejects.toThrow(
    /names the GPU "Quadro": say/,
  );
  await expect(calibrate([logFile("y.log", { gpusPerNode: 9 })], {})).rejects.toThrow(
    /expected 1 to 8 ranks/,
  );
  await expect(calibrate([logFile("z.log")], { cluster: "tpu-v4" })).rejects.toThrow(/cluster of GPUs/);
  await expect(calibrate([join(folder, "none.log")], {})).rejects.toThrow(/no such file/);
});

test("validate prints every run, every family and what was left out", async () => {
  const text = await printed(() => validate({}));
  expect(text.match(/^\S+( \(not fitted\))?: \S/gm)?.length).toBe(75 + 1);
  expect(text).toMatch(/^family +points +median error +in the band$/m);
  expect(text).toMatch(/^all-reduce 0\.5-32 KiB +202 /m);
  const json = JSON.parse(await printed(() => validate({ json: true })));
  expect(json.collectives.points.length).toBe(measuredCollectives().flatMap(({ points }) => points).length);
});
