import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sweep } from "../src/node/sweep/sweep.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { normsim } from "./support/command.ts";
import { endOf } from "./support/redis-server.ts";
import {
  linesOf,
  scenarioFile,
  smallScenario,
  startCommand,
  sweepCommand,
  temporaryFolder,
} from "./support/sweep-command.ts";

// The command as a user types it. Oracle: `normsim run` on the same scenario, and invariants.

const scenario = scenarioFile(smallScenario);
const grid = ["--set", "seed=1,2,3", "--set", "data.samples=2,3"];

test("a point's report is that of run, byte for byte but for wall times", async () => {
  const { code, stdout, stderr } = await sweepCommand([scenario, "--set", "seed=5", "--json", "--quiet"]);
  expect([code, stderr]).toEqual([0, ""]);
  const [{ key, values, report }] = JSON.parse(stdout);
  expect([key, values]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), { seed: 5 }]);
  const run = await normsim(["run", scenario, "--seed", "5", "--json", "--threads", "2"]);
  expect(JSON.stringify(report)).toBe(
    JSON.stringify(JSON.parse(run.stdout), (name, value) => (name === "wallSeconds" ? undefined : value)),
  );
});

test("in this process and on three threads the results are the same bytes", async () => {
  const outputs = [];
  for (const threads of ["0", "3"]) {
    const folder = temporaryFolder();
    const file = (extension: string): string => join(folder, `out.${extension}`);
    const formats = ["csv", "ndjson", "parquet"];
    const files = formats.flatMap((format) => [`--${format}`, file(format)]);
    const args = [scenario, ...grid, "--threads", threads, ...files];
    const { code, stdout } = await sweepCommand(args);
    expect(code).toBe(0);
    outputs.push([stdout, ...formats.map((format) => readFileSync(file(format), "latin1"))]);
  }
  expect(outputs[1]).toEqual(outputs[0]);
  const [table, csv, ndjson] = outputs[0]!;
  // 3 · 2 points, two normalisers each.
  expect(table!.trimEnd().split("\n").length).toBe(1 + 12);
  expect(csv!.trimEnd().split("\r\n").length).toBe(1 + 12);
  expect(
    ndjson!
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).values),
  ).toEqual([1, 2, 3].flatMap((seed) => [2, 3].map((samples) => ({ seed, "data.samples": samples }))));
});

test("a repeated sweep runs only what is missing, also after a line was cut off", async () => {
  const folder = temporaryFolder();
  const results = join(folder, "results.ndjson");
  const ndjson = join(folder, "out.ndjson");
  const run = (set: string[]) => sweep(scenario, { set, threads: 0, resume: folder, quiet: true, ndjson });
  const set = ["seed=1,2,3", "data.samples=2,3"];
  expect(await run(set)).toBe(0);
  const [lines, output] = [linesOf(results), linesOf(ndjson)];
  expect([lines.length, output.length]).toEqual([6, 6]);

  expect(await run(set)).toBe(0);
  expect(linesOf(results)).toEqual(lines); // nothing ran

  // As a killed process leaves it: four lines, and the fifth without its end.
  const cut = lines[4]!.slice(0, 100);
  writeFileSync(results, `${lines.slice(0, 4).join("\n")}\n${cut}`);
  expect(await run(set)).toBe(0);
  expect(linesOf(results)).toEqual([...lines.slice(0, 4), cut, lines[4], lines[5]]);
  expect(linesOf(ndjson)).toEqual(output);

  // Another value of an axis: its points alone are new.
  expect(await run(["seed=1,9", "data.samples=2,3"])).toBe(0);
  expect(linesOf(results).length).toBe(7 + 2);
});

test("SIGINT ends a sweep with 130 and keeps what is done", async () => {
  // The second point never ends by itself: its rank stalls, and the deadline is far.
  const folder = temporaryFolder();
  const results = join(folder, "results.ndjson");
  writeFileSync(results, "");
  const stalling = scenarioFile({ ...smallScenario, deadline: "3600s" });
  const stall = '[],[{"rank":0,"kind":"stall"}]';
  const running = startCommand([
    "sweep",
    stalling,
    "--set",
    `faults=${stall}`,
    "--set",
    "seed=1",
    "--resume",
    folder,
    "--threads",
    "1",
  ]);
  const kept = new Promise<void>((resolve) => {
    const look = (): void => {
      if (linesOf(results).length < 1) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(folder, look);
    look();
  });
  expect(await Promise.race([kept, endOf(running.child)]), running.stderr()).toBeUndefined();
  running.child.kill("SIGINT");
  expect(await endOf(running.child)).toBe(130);
  expect(running.stderr()).toMatch(
    /interrupted: the 1 of 2 points that are done are kept; the same command runs/,
  );
  expect(linesOf(results).length).toBe(1);
});

test("a point that fails does not stop the others; the sweep ends with 1 and says which", async () => {
  const faults = '[],[{"rank":2,"kind":"throw"}],[{"rank":1,"kind":"stall"}]';
  const failing = scenarioFile({ ...smallScenario, deadline: "1s" });
  const ndjson = join(temporaryFolder(), "out.ndjson");
  const args = [failing, "--set", `faults=${faults}`, "--set", "seed=1,2", "--ndjson", ndjson, "--quiet"];
  const { code, stderr } = await sweepCommand([...args, "--threads", "2"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^faults=\[\{"rank":2,"kind":"throw"\}\], seed=1: rank 2: injected fault/m);
  expect(stderr).toMatch(
    /^faults=\[\{"rank":1,"kind":"stall"\}\], seed=2: rank 1: made no progress for 1 s/m,
  );
  expect(stderr).toMatch(/^4 of 6 points failed$/m);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(linesOf(ndjson).map((line) => JSON.parse(line).values.seed)).toEqual([1, 2]);
});

test("--fail-if ends with 3 and names the points; a mistyped figure stops the sweep", async () => {
  const holds = await sweepCommand([
    ...[scenario, ...grid, "--threads", "0", "--quiet"],
    ...["--fail-if", "local BN: divergence.outputMse.mean > 1e-6"],
  ]);
  expect(holds.code).toBe(3);
  expect(holds.stderr.trimEnd().split("\n").length).toBe(6);
  expect(holds.stderr).toMatch(
    /^fail-if: seed=3, data\.samples=2: local BN: divergence\.outputMse\.mean is 0\.\d+, > 0\.000001$/m,
  );
  const set = ["seed=1"];
  const run = (failIf: string) => sweep(scenario, { set, threads: 0, quiet: true, failIf });
  expect(await run("SyncBN: divergence.outputMse.mean > 1e-6")).toBe(0);
  await expect(run("divergence.outputMes.mean > 1")).rejects.toThrow(
    /did you mean "divergence\.outputMse\.mean"/,
  );
});

test("a sweep over saved activations is keyed by what the files hold", async () => {
  const folder = mkdtempSync(join(tmpdir(), "normsim-sweep-npy-"));
  const save = (name: string, values: number[]) =>
    writeFileSync(join(folder, name), encodeNpy(Float64Array.from(values), [2, 2]));
  save("a.npy", [1, 2, 3, 4]);
  save("b.npy", [5, 6, 7, 9]);
  const saved = scenarioFile(
    {
      name: "saved",
      mesh: { data: 2 },
      data: { source: "npy", files: ["a.npy", "b.npy"] },
      normalizers: [{ name: "S", type: "batch-norm", group: "world" }],
    },
    folder,
  );
  const ndjson = join(folder, "out.ndjson");
  const keys = async () => {
    await sweep(saved, { set: ["normalizers[0].epsilon=0,1e-5"], threads: 0, quiet: true, ndjson });
    return linesOf(ndjson).map((line) => JSON.parse(line).key as string);
  };
  const before = await keys();
  expect(new Set([...before, ...(await keys())]).size).toBe(2);
  save("b.npy", [5, 6, 7, 8]);
  expect(new Set([...before, ...(await keys())]).size).toBe(4);
  rmSync(join(folder, "b.npy"));
  await expect(sweep(saved, { set: ["seed=1"], threads: 0 })).rejects.toThrow(
    /^b\.npy: no such file; paths in a scenario are relative/,
  );
});

test("files that cannot be written are refused before anything runs", async () => {
  const missing = join(temporaryFolder(), "missing", "out");
  const set = ["seed=1"];
  const run = (options: object) => sweep(scenario, { set, threads: 0, quiet: true, ...options });
  await expect(run({ csv: missing, ndjson: missing })).rejects.toThrow(
    /^--csv \S+: cannot be written \(ENOENT\)\n--ndjson \S+: cannot be written \(ENOENT\)$/,
  );
  await expect(run({ resume: scenario })).rejects.toThrow(
    /^--resume \S+: expected a folder .*\((EEXIST|ENOTDIR)\)$/,
  );
});
