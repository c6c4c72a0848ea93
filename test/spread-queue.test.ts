import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { decodeAnswer, decodeMerge, decodeOutcome, encode } from "../src/node/spread/block-codec.ts";
import { readBlockJob } from "../src/node/spread/block-job.ts";
import { redisBlocks } from "../src/node/spread/redis-blocks.ts";
import { jobOf } from "../src/node/sweep/point-job.ts";
import { readSweep } from "../src/node/sweep/sweep-points.ts";
import { type Finished, normsim } from "./support/command.ts";
import { killWorkers, redisCommand, startWorker, sumOverJobs } from "./support/queue-workers.ts";
import { endOf, freePort, startRedis, type TestRedis } from "./support/redis-server.ts";
import { scenarioFile, smallScenario, temporaryFolder } from "./support/sweep-command.ts";

// A real redis-server and real worker processes. Oracle: the run on one machine.

const password = "p@ss:word/%41";
let redis: TestRedis;
let url: string;

beforeAll(async () => {
  redis = await startRedis(
    ...["--requirepass", password, "--maxmemory-policy", "noeviction"],
    ...["--user", "farm", "on", `>${password}`, "~normsim:*", "&normsim:*", "+@all"],
  );
  url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${redis.port}`;
});

afterEach(killWorkers);

afterAll(async () => {
  await redis?.stop();
});

/** A report as text without what was measured. */
const unclocked = ({ stdout }: Finished): string => stdout.replace(/"wallSeconds": [^,\n]+/g, "");

test("1024 ranks in 8 blocks over two workers, one of which is killed midway, give the report of one machine", async () => {
  const scenario = scenarioFile({
    name: "1024 ranks",
    seed: 11,
    mesh: { data: 1024 },
    data: { source: "gaussian", samples: 2, channels: 2, positions: [2], channelSpread: 0.5 },
    normalizers: [
      { name: "local BN", type: "batch-norm", group: "rank" },
      { name: "SyncBN", type: "batch-norm", group: "world" },
    ],
    // Rings of 1024 ranks have a million messages.
    algorithms: { allReduce: "recursive-doubling", allGather: "bruck" },
  });
  const local = await normsim(["run", scenario, "--json", "--quiet", "--threads", "0"]);
  expect(local.code, local.stderr).toBe(0);
  const [first] = await Promise.all([startWorker(url), startWorker(url)]);
  const running = normsim(["run", scenario, "--json", "--quiet", "--redis", url, "--blocks", "8"]);
  await first.said("a block is done");
  first.child.kill("SIGKILL");
  expect(await endOf(first.child)).toBe("SIGKILL");
  const spread = await running;
  expect([spread.code, spread.stderr]).toEqual([0, ""]);
  expect(unclocked(spread) === unclocked(local)).toBe(true);
  // The killed worker held a block: one that finishes a job takes the next in the same breath.
  expect(await sumOverJobs(redis.port, password, "stc")).toBe(1);
  // What jobs left for each other is gone.
  expect(await redisCommand(redis.port, password, "KEYS", "normsim:run:*")).toBe("");
}, 240_000);

test("files travel by their content; a seed of the command line counts; the page is written", async () => {
  const folder = temporaryFolder();
  cpSync(fileURLToPath(new URL("golden/recorded", import.meta.url)), folder, { recursive: true });
  const scenario = join(folder, "moments.yaml");
  await startWorker(url.replace("//:", "//farm:"));
  const seed = ["--seed", "12"];
  const local = await normsim(["run", scenario, ...seed, "--json", "--threads", "0"]);
  const html = join(folder, "page.html");
  const spread = await normsim([
    "run",
    scenario,
    ...seed,
    "--json",
    "--html",
    html,
    "--redis",
    url,
    "--quiet",
  ]);
  expect([spread.code, spread.stderr]).toEqual([0, ""]);
  expect(unclocked(spread)).toBe(unclocked(local));
  expect(JSON.parse(spread.stdout).scenario.seed).toBe(12);
});

test("a block that fails ends the run with its reason, and whoever asks for what cannot be is told so", async () => {
  const failing = scenarioFile({
    ...smallScenario,
    data: { ...smallScenario.data, samples: [2, 2, 2, 0] },
    normalizers: [{ name: "d2", type: "batch-norm", group: "world", implementation: "detectron2" }],
  });
  await startWorker(url);
  const { code, stdout, stderr } = await normsim([
    "run",
    failing,
    "--redis",
    url,
    "--blocks",
    "2",
    "--quiet",
  ]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^(normsim: )?block 2 of 2 blocks: rank 3: 0 values per channel/);
  expect(stderr.trimEnd().split("\n").length).toBe(1);
  const small = scenarioFile(smallScenario);
  const crash = scenarioFile({ ...smallScenario, faults: [{ rank: 0, kind: "throw" }] });
  for (const [args, pattern] of [
    [[crash, "--redis", url], /faults\[0\]\.kind: expected nan or inf, got throw/],
    [[small, "--blocks", "2"], /--blocks: expected --redis beside it/],
    [[small, "--redis", url, "--threads", "2"], /--threads: expected no --redis/],
    [[small, "--redis", url, "--dump", "/dev/null/x"], /expected no --redis beside --dump/],
    [[small, "--redis", url, "--blocks", "0"], /expected a whole number, 1 or more/],
  ] as const) {
    const refused = await normsim(["run", ...args]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(pattern)]);
  }
}, 120_000);

test("without a Redis it ends with one sentence that holds no password", async () => {
  const nowhere = `redis://:hunter2@127.0.0.1:${await freePort()}`;
  const { code, stdout, stderr } = await normsim(["run", scenarioFile(smallScenario), "--redis", nowhere]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.trimEnd()).toMatch(/^[^\n]*refuses connections; is Redis running there\?$/);
  expect(stderr).not.toContain("hunter2");
});

test("without a worker it gives up with a sentence, and takes its jobs back", async () => {
  const { points, files } = await readSweep(scenarioFile(smallScenario), ["seed=77"]);
  const jobs = await redisBlocks(
    url,
    { point: points[0]!, files, onNote: () => {} },
    { silenceSeconds: 0.5, reconnectSeconds: 30 },
  );
  const before = await redisCommand(redis.port, password, "KEYS", "normsim:points:*");
  const call = { kind: "prepare", normalizer: 0, microbatch: 0, first: 0, wholes: [], answers: [] } as const;
  const error = await jobs.run(call, 2).catch((it: Error) => it);
  expect(error).toMatchObject({
    name: "QueueError",
    message: expect.stringMatching(/^no worker was heard of/),
  });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password);
  await jobs.close();
  const ids = (keys: string): string[] =>
    keys
      .split("\n")
      .filter((key) => /[0-9a-f]{64}$/.test(key))
      .sort();
  expect(ids(await redisCommand(redis.port, password, "KEYS", "normsim:points:*"))).toEqual(ids(before));
});

test("a worker believes nothing of what arrives", async () => {
  const { points } = await readSweep(scenarioFile(smallScenario), ["seed=5"]);
  const call = { kind: "pass", normalizer: 1, microbatch: 0, first: 0, wholes: [], answers: [[]] };
  const sound = {
    ...jobOf(points[0]!),
    run: "6e4f9c1e-2f0b-4f5c-9d0e-6b1f0c2a3d4e",
    blocks: 4,
    block: 3,
    call,
  };
  expect(readBlockJob(sound)).toMatchObject({ blocks: 4, block: 3, call });
  for (const forged of [
    { blocks: 5 },
    { block: 4 },
    { block: -1 },
    { blocks: 1e9 },
    { run: "a:b" },
    { call: { ...call, normalizer: 2 } },
    { call: { ...call, kind: "train" } },
    { call: { ...call, wholes: ["/etc/passwd"] } },
    { call: { ...call, eval: "1" } },
    { scenario: sound.scenario.replace('"data":4', '"data":8') },
  ])
    expect(() => readBlockJob({ ...sound, ...forged }), JSON.stringify(forged)).toThrow(/^job/);
});

test("what jobs leave is held against its schema", () => {
  const text = encode({ kind: "done", arrays: [Float64Array.of(1, Number.NaN)], results: [] });
  expect(decodeOutcome(text)).toEqual({
    kind: "done",
    arrays: [Float64Array.of(1, Number.NaN)],
    results: [],
  });
  for (const [decode, broken] of [
    [decodeOutcome, "{"],
    [decodeOutcome, text.replace("done", "waits")],
    [decodeOutcome, text.replace(/"float64":"\w\w/, '"float64":"')],
    [decodeOutcome, text.replace("float64", "float32")],
    [decodeAnswer, '{"vectors":[],"ranks":[{"vector":-1}]}'],
    [decodeMerge, '{"answer":"../x","outcomes":[]}'],
  ] as const)
    expect(() => decode(broken), broken).toThrow(/not as this version writes it/);
});
