import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Report } from "../src/report/report.ts";
import { decodeNpy, encodeNpy } from "../src/scenario/npy.ts";
import { cli, command, normsim } from "./support/command.ts";

const quickstart = "scenarios/quickstart.yaml";
const temporary = (): string => mkdtempSync(join(tmpdir(), "normsim-"));
const withoutWallTimes = (json: string): string =>
  json.replace(/"wallSeconds": [^,\n]+/g, '"wallSeconds": 0');

describe("normsim run", () => {
  test("prints a table of at most 100 columns and a finding; stderr has progress at most", async () => {
    const { code, stdout, stderr } = await normsim(["run", quickstart, "--threads", "0"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^(\d of 4 passes, .+\n)*$/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    for (const name of ["local BN", "SyncBN", "SyncBN/4", "LN"]) expect(stdout).toContain(name);
    expect(stdout).toContain("LN sends nothing");
  });

  test("gives the same bytes on 1, 2 and 8 threads and in process, wall times aside", async () => {
    const runs = [];
    for (const threads of ["0", "1", "2", "8"])
      runs.push(await normsim(["run", quickstart, "--json", "--quiet", "--threads", threads]));
    for (const { code, stderr } of runs) expect([code, stderr]).toEqual([0, ""]);
    const [inProcess, ...threaded] = runs.map(({ stdout }) => withoutWallTimes(stdout));
    for (const bytes of threaded) expect(bytes).toBe(inProcess);
  });

  test("reports the quickstart's traffic as the closed forms have it", async () => {
    const { stdout } = await normsim(["run", quickstart, "--json", "--threads", "2"]);
    const report = JSON.parse(stdout) as Report;
    expect(report.version).toBe(1);
    // By hand, C = 64, float32, ring: a gather of 2C + 1 = 129 values sends 7 blocks of 516 B per rank;
    // an all-reduce of 2C = 128 values sends 2 · 7/8 · 512 B.
    const sync = report.normalizers.find(({ name }) => name === "SyncBN")!.communication;
    expect(sync.forward).toMatchObject({
      collectives: 1,
      messages: 56,
      payloadBytesPerRank: 516,
      sentBytesPerRank: 7 * 516,
      wireBytes: 56 * 516,
    });
    expect(sync.backward).toMatchObject({
      collectives: 1,
      messages: 112,
      payloadBytesPerRank: 512,
      sentBytesPerRank: 896,
      wireBytes: 8 * 896,
    });
    expect(sync.total).toMatchObject({ collectives: 2, messages: 168, wireBytes: 56 * 516 + 8 * 896 });
    for (const name of ["local BN", "LN"]) {
      const { total } = report.normalizers.find((normalizer) => normalizer.name === name)!.communication;
      expect(total).toEqual({
        collectives: 0,
        messages: 0,
        payloadBytesPerRank: 0,
        sentBytesPerRank: 0,
        wireBytes: 0,
        modelSeconds: 0,
      });
    }
  });

  test("reads standard input, and one seed gives other data than another", async () => {
    const input = readFileSync(new URL("../scenarios/tiny-microbatch.yaml", import.meta.url), "utf8");
    const [seven, eight] = await Promise.all(
      ["7", "8"].map((seed) => normsim(["run", "-", "--json", "--threads", "0", "--seed", seed], { input })),
    );
    expect(JSON.parse(seven!.stdout)).toMatchObject({ scenario: { seed: 7 } });
    expect(JSON.parse(seven!.stdout).normalizers[0].divergence).not.toEqual(
      JSON.parse(eight!.stdout).normalizers[0].divergence,
    );
  });

  test("writes report.json and report.txt, quietly when asked", async () => {
    const out = temporary();
    const { code, stdout, stderr } = await normsim([
      "run",
      quickstart,
      "--quiet",
      "--out",
      out,
      "--threads",
      "0",
    ]);
    expect([code, stdout, stderr]).toEqual([0, "", ""]);
    expect(readdirSync(out).sort()).toEqual(["report.json", "report.txt"]);
    expect(JSON.parse(readFileSync(join(out, "report.json"), "utf8")).version).toBe(1);
  });

  test("writes a trace with a process per rank and an arrow per message", async () => {
    const file = join(temporary(), "trace.json");
    const { code } = await normsim(["run", quickstart, "--quiet", "--threads", "0", "--trace", file]);
    expect(code).toBe(0);
    const { traceEvents } = JSON.parse(readFileSync(file, "utf8")) as {
      traceEvents: { ph: string; pid: number }[];
    };
    expect(new Set(traceEvents.map(({ pid }) => pid)).size).toBe(8);
    // By hand: SyncBN gathers 8 · 7 messages and reduces 8 · 14; SyncBN/4 twice 4 · 3 and twice 4 · 6.
    expect(traceEvents.filter(({ ph }) => ph === "s")).toHaveLength(56 + 112 + 24 + 48);
  });

  test("ends with 3 where a condition holds, and with 0 where it does not", async () => {
    const ends = async (condition: string): Promise<number | null> =>
      (await normsim(["run", quickstart, "--quiet", "--threads", "0", "--fail-if", condition])).code;
    expect(await ends("local BN: divergence.outputMse.mean > 0.001")).toBe(3);
    expect(await ends("LN: communication.total.messages > 0")).toBe(0);
    expect(await ends("LN: divergence.outputMze.mean > 0")).toBe(2);
  });

  test("runs several scenarios into an array", async () => {
    const { stdout } = await normsim([
      "run",
      "scenarios/toy-vectors.yaml",
      "scenarios/empty-rank.yaml",
      "--json",
      "--threads",
      "0",
    ]);
    expect((JSON.parse(stdout) as Report[]).map(({ scenario }) => scenario.data.source)).toEqual([
      "npy",
      "gaussian",
    ]);
  });

  test("leaves a pipe that is closed early without a word", async () => {
    const { code, stderr } = await command("bash", [
      "-c",
      `set -o pipefail; "${process.execPath}" "${cli}" run ${quickstart} --json --quiet --threads 0 | head -n 1`,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("drops columns, not figures, in a narrow terminal", async () => {
    // `script` gives the command a terminal; 40 columns by stty.
    const { stdout } = await command("script", [
      "-qec",
      `stty cols 40; "${process.execPath}" "${cli}" run ${quickstart} --threads 0`,
      "/dev/null",
    ]);
    // Progress, if the machine is slow, is rewritten in place.
    const lines = stdout.split(/[\r\n]+/).map(stripVTControlCharacters);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(stdout).toContain("y error");
  });
});

describe("normsim run --dump", () => {
  test("writes what NumPy can check: the toy vectors by hand", async () => {
    const dump = temporary();
    const { code } = await normsim(["run", "scenarios/toy-vectors.yaml", "--dump", dump, "--quiet"]);
    expect(code).toBe(0);
    const read = (path: string) => decodeNpy(readFileSync(join(dump, path)));
    // By hand: columns (2, 1), (4, 3), (6, 5) have variance 0.25: ±0.5/√0.25001.
    const half = 0.5 / Math.sqrt(0.25 + 1e-5);
    const y = read("syncbn/rank0.y.npy");
    expect(y).toMatchObject({ dtype: "float64", shape: [1, 3] });
    for (const value of y.data) expect(value).toBeCloseTo(half, 12);
    expect(Array.from(read("syncbn/rank1.running_mean.npy").data)).toEqual(
      [0.15, 0.35, 0.55].map((v) => expect.closeTo(v, 15)),
    );
    // 0.9 · 1 + 0.1 · 0.5: the unbiased variance of two values one apart.
    for (const value of read("syncbn/rank0.running_var.npy").data) expect(value).toBeCloseTo(0.95, 15);
    // LN: (−2, 0, 2) / √(8/3 + 1e-5).
    const ln = 2 / Math.sqrt(8 / 3 + 1e-5);
    expect(Array.from(read("ln/rank0.y.npy").data)).toEqual([-ln, 0, ln].map((v) => expect.closeTo(v, 12)));
    expect(readdirSync(join(dump, "ln")).filter((name) => name.includes("running"))).toEqual([]);
  });

  test("runs on activations that somebody saved, in their type", async () => {
    const folder = temporary();
    const x = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 9);
    writeFileSync(join(folder, "a.npy"), encodeNpy(x.slice(0, 4), [2, 1, 2]));
    writeFileSync(join(folder, "b.npy"), encodeNpy(x.slice(4), [2, 1, 2]));
    const scenario = {
      name: "saved",
      mesh: { data: 2 },
      data: { source: "npy", files: ["a.npy", "b.npy"] },
      normalizers: [{ name: "S", type: "batch-norm", group: "world", epsilon: 0, momentum: 1 }],
    };
    writeFileSync(join(folder, "s.json"), JSON.stringify(scenario));
    const { code, stderr } = await normsim([
      "run",
      join(folder, "s.json"),
      "--dump",
      join(folder, "out"),
      "--quiet",
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    // By hand: mean 37/8 = 4.625, Σx² = 221, v = 221/8 − 4.625² = 6.234375, unbiased 7.125.
    const read = (path: string) => Array.from(decodeNpy(readFileSync(join(folder, "out", "s", path))).data);
    expect(read("rank0.running_mean.npy")[0]).toBeCloseTo(4.625, 14);
    expect(read("rank0.running_var.npy")[0]).toBeCloseTo(7.125, 14);
    expect(read("rank1.y.npy")[3]).toBeCloseTo((9 - 4.625) / Math.sqrt(6.234375), 13);
  });
});

describe("bad input ends with exit code 2 and says what to do", () => {
  const faulty: readonly (readonly [string, readonly string[], string | undefined, readonly RegExp[]])[] = [
    ["a file that is not there", ["run", "nowhere.yaml"], undefined, [/^nowhere\.yaml: no such file/]],
    ["a folder", ["run", "scenarios"], undefined, [/^scenarios: is a folder/]],
    [
      "a mistyped key",
      ["run", "-"],
      "name: x\nmesh: { dta: 2 }\n",
      [/^<stdin>:2:9: mesh\.dta: .*did you mean "data"/m, /data.*missing|missing.*data|required/m],
    ],
    [
      "weights that do not fit the files",
      ["run", "-"],
      JSON.stringify({
        name: "unfit",
        mesh: { data: 2 },
        data: { source: "npy", files: [0, 1].map((rank) => `scenarios/data/toy-vectors/rank${rank}.npy`) },
        normalizers: [{ type: "layer-norm", weight: [1, 2] }],
      }),
      [/^unfit: normalizers\[0\]\.weight: .*3 channels, got 2/m],
    ],
    ["no scenario", ["run"], undefined, [/missing required argument 'scenario'/]],
    ["an unknown option", ["run", quickstart, "--jsno"], undefined, [/Did you mean --json/]],
    ["a thread count that is none", ["run", quickstart, "--threads", "two"], undefined, [/whole number/]],
    ["an unknown command", ["rnu"], undefined, [/Did you mean run/]],
    ["an unknown list", ["list", "cluster"], undefined, [/did you mean "clusters"/]],
  ];
  for (const [what, args, input, patterns] of faulty) {
    test(what, async () => {
      const { code, stdout, stderr } = await normsim(args, input === undefined ? {} : { input });
      expect(code).toBe(2);
      expect(stdout).toBe("");
      for (const pattern of patterns) expect(stderr).toMatch(pattern);
      expect(stderr).not.toMatch(/\n\s+at /);
    });
  }
});

describe("other commands", () => {
  test("help shows examples and ends with 0", async () => {
    const { code, stdout } = await normsim(["run", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("normsim run scenarios/quickstart.yaml");
  });

  test("lists name what a scenario accepts", async () => {
    const { stdout } = await normsim(["list", "clusters"]);
    expect(stdout).toContain("dgx-a100\n");
    for (const what of ["models", "normalizers", "collectives", "implementations", "scenarios"]) {
      expect((await normsim(["list", what])).code).toBe(0);
    }
  });

  test("schema is a JSON Schema of the scenario file", async () => {
    const { stdout } = await normsim(["schema"]);
    const schema = JSON.parse(stdout);
    expect(schema.$schema).toMatch(/json-schema/);
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(["name", "mesh", "data", "normalizers"]),
    );
  });
});
