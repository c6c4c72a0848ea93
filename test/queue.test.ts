import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SweepFiles } from "../src/node/sweep/point-inputs.ts";
import { queueExecutor } from "../src/node/sweep/queue-executor.ts";
import { sweep } from "../src/node/sweep/sweep.ts";
import { readSweep } from "../src/node/sweep/sweep-points.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { normsim } from "./support/command.ts";
import { killWorkers, redisCommand, startWorker, sumOverJobs } from "./support/queue-workers.ts";
import { endOf, freePort, startRedis, type TestRedis } from "./support/redis-server.ts";
import {
  grid64,
  linesOf,
  scenarioFile,
  smallScenario,
  sweepCommand,
  temporaryFolder,
} from "./support/sweep-command.ts";

// A real redis-server and real worker processes. Oracle: the local sweep, and invariants.

const password = "p@ss:word/%41";
const encoded = encodeURIComponent(password);
const scenario = scenarioFile(smallScenario);
let redis: TestRedis;
let url: string;

beforeAll(async () => {
  redis = await startRedis(
    ...["--requirepass", password, "--maxmemory-policy", "noeviction"],
    ...["--user", "farm", "on", `>${password}`, "~normsim:*", "&normsim:*", "+@all"],
    ...["--user", "stranger", "on", ">hunter2", "~elsewhere:*", "&*", "+@all"],
  );
  url = `redis://:${encoded}@127.0.0.1:${redis.port}`;
});

afterEach(killWorkers);

afterAll(async () => {
  await redis?.stop();
});

describe("a sweep over two worker processes", () => {
  test("one of which is killed midway gives 64 results, byte for byte those of the local sweep", async () => {
    const folder = temporaryFolder();
    const [here, there] = [join(folder, "here.ndjson"), join(folder, "there.ndjson")];
    const local = await sweepCommand([scenario, ...grid64, "--ndjson", here, "--quiet", "--threads", "1"]);
    expect(local.code, local.stderr).toBe(0);

    const [first, second] = await Promise.all([startWorker(url), startWorker(url)]);
    const running = sweepCommand([scenario, ...grid64, "--ndjson", there, "--redis", url, "--quiet"]);
    await first.said("a point is done", 5);
    first.child.kill("SIGKILL");
    expect(await endOf(first.child)).toBe("SIGKILL");
    const remote = await running;
    expect([remote.code, remote.stderr]).toEqual([0, ""]);
    expect(linesOf(there).length).toBe(64);
    expect(linesOf(there)).toEqual(linesOf(here));
    // The killed worker held a point: a worker that finishes one takes the next in the same breath.
    // stc counts how often a job was found without its worker.
    expect(await sumOverJobs(redis.port, password, "stc")).toBe(1);
    expect(second.stderr()).not.toContain("failed");

    // SIGTERM: it leaves by itself.
    second.child.kill("SIGTERM");
    expect(await endOf(second.child)).toBe(0);
    expect(second.stderr()).not.toMatch(/\n\s+at /);
  });

  test("a repeated sweep finds the results in Redis and needs no worker", async () => {
    const ndjson = join(temporaryFolder(), "again.ndjson");
    expect(
      await sweep(scenario, {
        set: ["seed=1,2", "data.samples=2,3", "backward=true"],
        redis: url,
        quiet: true,
        ndjson,
      }),
    ).toBe(0);
    expect(linesOf(ndjson).length).toBe(4);
  });

  test("a mistyped figure of --fail-if stops it as it does a local sweep", async () => {
    const failIf = "divergence.outputMes.mean > 1";
    const options = { set: ["seed=1,2", "data.samples=2,3", "backward=true"], redis: url, quiet: true };
    await expect(sweep(scenario, { ...options, failIf })).rejects.toThrow(/did you mean "divergence/);
  });
});

describe("a worker", () => {
  test("gets saved activations by their content; takes nothing on trust; logs in as an ACL user", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.npy"), encodeNpy(Float64Array.of(1, 2, 3, 4), [2, 2]));
    const data = { source: "npy", files: ["a.npy"] };
    const saved = scenarioFile({ ...smallScenario, mesh: { data: 1 }, data }, folder);
    const [here, there] = [join(folder, "here"), join(folder, "there")];
    const set = ["normalizers[0].epsilon=0,1e-3"];
    await sweep(saved, { set, threads: 0, quiet: true, ndjson: here });

    const worker = await startWorker(`redis://farm:${encoded}@127.0.0.1:${redis.port}`);
    expect(await sweep(saved, { set, redis: url, quiet: true, ndjson: there })).toBe(0);
    expect(linesOf(there)).toEqual(linesOf(here));
    expect(linesOf(there).length).toBe(2);

    // A point whose content is not what its key says, one of another version, one that is no scenario,
    // and one that names a file on the worker's machine.
    const { points, files } = await readSweep(scenario, ["seed=101,102,103,104"]);
    const forged = points.map((point, index) => ({
      ...point,
      ...[
        { written: point.written.replace("small", "other") },
        { written: point.written.replace('"data":4', '"dta":4') },
        { written: "{" },
        {
          written: JSON.stringify({
            ...JSON.parse(point.written),
            data: { source: "npy", files: ["/etc/passwd"] },
            mesh: {},
          }),
        },
      ][index],
    }));
    const failures: string[] = [];
    const sink = {
      report: () => {},
      failure: (_: unknown, reason: string) => failures.push(reason),
      progress: () => {},
    };
    await (await queueExecutor(url, files))(forged, sink, new AbortController().signal);
    expect(failures.length).toBe(4);
    for (const pattern of [
      /its key is not that/,
      /unknown key "dta"/,
      /^job:1:\d+: (?!mesh)/,
      /no content hash of "\/etc\/passwd"/,
    ])
      expect(failures.filter((reason) => pattern.test(reason)).length, String(pattern)).toBe(1);
    worker.child.kill("SIGTERM");
    expect(await endOf(worker.child)).toBe(0);
  });
});

// Oracle: BullMQ's own counter of jobs begun, and what it left in the queue; 1 in 100 s outlasts the test.
test("workers with --rate hold to it together", async () => {
  const slow = await startRedis();
  const slowUrl = `redis://127.0.0.1:${slow.port}`;
  const workers = await Promise.all([
    startWorker(slowUrl, "--rate", "0.01"),
    startWorker(slowUrl, "--rate", "0.01"),
  ]);
  const { points, files } = await readSweep(scenario, ["seed=1,2,3"]);
  const stop = new AbortController();
  let seen: unknown[] = [];
  const lookAndStop = async () => {
    seen = [
      await redisCommand(slow.port, "", "GET", "normsim:points:limiter"),
      await redisCommand(slow.port, "", "LLEN", "normsim:points:wait"),
      await redisCommand(slow.port, "", "LLEN", "normsim:points:active"),
    ];
    stop.abort();
  };
  const sink = { report: () => void lookAndStop(), failure: () => stop.abort(), progress: () => {} };
  await (await queueExecutor(slowUrl, files))(points, sink, stop.signal);
  expect(seen).toEqual(["1", "2", "0"]);
  expect(workers.map(({ stderr }) => stderr().split("a point is done").length - 1).sort()).toEqual([0, 1]);
  // One that has to wait is not kept from leaving.
  for (const { child } of workers) child.kill("SIGTERM");
  expect(await Promise.all(workers.map(({ child }) => endOf(child)))).toEqual([0, 0]);
  await slow.stop();
});

test("a rate that is none ends with 2", async () => {
  for (const rate of ["0", "-1", "x", "0.001"]) {
    const { code, stderr } = await normsim(["worker", "--redis", url, "--rate", rate]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("expected jobs a second, 0.01 to 1000.")]);
  }
});

describe("without a Redis that answers, a sweep and a worker end with 1 and one sentence", () => {
  const rows: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
    [
      "nobody listens",
      async () => `redis://127.0.0.1:${await freePort()}`,
      /refuses connections; is Redis running there\?$/,
    ],
    [
      "the password is wrong",
      () => `redis://:hunter2@127.0.0.1:${redis.port}`,
      /refuses this user name or password$/,
    ],
    [
      "the user is unknown",
      () => `redis://nobody:hunter2@127.0.0.1:${redis.port}`,
      /redis:\/\/nobody@127.*refuses this user name or password$/,
    ],
    ["there is no password", () => `redis://127.0.0.1:${redis.port}`, /wants a password/],
    [
      "it does not speak TLS",
      () => `rediss://:hunter2@localhost:${redis.port}`,
      /^rediss:\/\/localhost:\d+: \S/,
    ],
  ];
  for (const [what, makeUrl, pattern] of rows)
    test(what, async () => {
      const error = await queueExecutor(await makeUrl(), new SweepFiles("-")).catch((it: Error) => it);
      expect(error).toMatchObject({ name: "QueueError", message: expect.stringMatching(pattern) });
      // All that a logger could print of it.
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("hunter2");
    });

  for (const [what, makeUrl, pattern] of rows.slice(0, 2))
    test(`${what}: on the command line`, async () => {
      const wrong = await makeUrl();
      const results = await Promise.all([
        sweepCommand([scenario, "--set", "seed=1,2", "--redis", wrong]),
        normsim(["worker", "--redis", wrong]),
      ]);
      for (const { code, stdout, stderr } of results) {
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr.trimEnd().split("\n").length).toBe(1);
        expect(stderr.trimEnd()).toMatch(pattern);
        expect(stderr).not.toContain("hunter2");
      }
    });

  test("a URL that is none ends with 2, and is not repeated", async () => {
    for (const wrong of [
      "http://:hunter2@h",
      "redis://:hunter2@",
      "redis://:hunter2%zz@h",
      "hunter2",
      "redis://:hunter2@h/x",
      "redis://h?password=hunter2",
    ]) {
      await expect(queueExecutor(wrong, new SweepFiles("-"))).rejects.toThrow(
        /^--redis: expected redis:\/\/((?!hunter2).)*$/,
      );
    }
  });

  test("a user without rights to the queue is told so, by a sweep and a worker", async () => {
    const strange = `redis://stranger:hunter2@127.0.0.1:${redis.port}`;
    const pattern = /^redis:\/\/stranger@127\.0\.0\.1:\d+: does not let this user do what normsim needs$/;
    await expect(sweep(scenario, { set: ["seed=1"], redis: strange, quiet: true })).rejects.toThrow(pattern);
    const { code, stderr } = await normsim(["worker", "--redis", strange, "--quiet"]);
    expect([code, stderr.trimEnd()]).toEqual([1, expect.stringMatching(pattern)]);
  });

  test("a sweep of which no worker is heard gives up with a sentence, not in silence", async () => {
    const { points, files } = await readSweep(scenario, ["seed=201,202"]);
    const execute = await queueExecutor(url, files, { silenceSeconds: 0.5, reconnectSeconds: 30 });
    const sink = { report: () => {}, failure: () => {}, progress: () => {} };
    await expect(execute(points, sink, new AbortController().signal)).rejects.toThrow(
      /^no worker was heard of for 0\.5 s, and 2 points wait; start one/,
    );
    // Nobody waits for them, so no worker shall run them.
    for (const { key } of points)
      expect(await redisCommand(redis.port, password, "EXISTS", `normsim:points:${key}`)).toBe("0");
  });

  test("a Redis that dies during a sweep ends it with a sentence", async () => {
    const mortal = await startRedis();
    const { points, files } = await readSweep(scenario, ["seed=1"]);
    const mortalUrl = `redis://127.0.0.1:${mortal.port}`;
    const execute = await queueExecutor(mortalUrl, files, { silenceSeconds: 60, reconnectSeconds: 0.5 });
    let stopped: Promise<void> | undefined;
    const sink = {
      report: () => {},
      failure: () => {},
      progress: () => {
        stopped ??= mortal.stop();
      },
    };
    await expect(execute(points, sink, new AbortController().signal)).rejects.toThrow(
      /^redis:\/\/127\.0\.0\.1:\d+: the connection was lost for 0\.5 s$/,
    );
    await stopped;
  });
});

test("run loads neither BullMQ nor ioredis", async () => {
  const { code, stderr } = await normsim(["run", scenario, "--threads", "0", "--quiet"], {
    env: { NODE_DEBUG: "esm,module" },
  });
  expect(code).toBe(0);
  expect(stderr).toMatch(/command\/src\/node\/run-[\w-]+\.js/); // the trace does name what is loaded
  expect(stderr).not.toMatch(/node_modules\/(bullmq|ioredis)/);
});
