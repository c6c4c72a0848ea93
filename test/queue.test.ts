import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SweepFiles } from "../src/node/sweep/point-inputs.ts";
import { queueExecutor } from "../src/node/sweep/queue-executor.ts";
import { sweep } from "../src/node/sweep/sweep.ts";
import { readSweep } from "../src/node/sweep/sweep-points.ts";
import { encodeNpy } from "../src/scenario/npy.ts";
import { command } from "./support/command.ts";
import { endOf, freePort, startRedis, type TestRedis } from "./support/redis-server.ts";
import {
  grid64,
  linesOf,
  type Running,
  scenarioFile,
  smallScenario,
  startCommand,
  sweepCommand,
  temporaryFolder,
} from "./support/sweep-command.ts";

// A real redis-server and real worker processes. Oracle: the local sweep, and invariants.

const password = "p@ss:word/%41";
const encoded = encodeURIComponent(password);
const scenario = scenarioFile(smallScenario);
let redis: TestRedis;
let url: string;
const workers: Running[] = [];

beforeAll(async () => {
  redis = await startRedis(
    ...["--requirepass", password, "--maxmemory-policy", "noeviction"],
    ...["--user", `farm on >${password} ~normsim:* &normsim:* +@all`],
  );
  url = `redis://:${encoded}@127.0.0.1:${redis.port}`;
});

afterAll(async () => {
  for (const { child } of workers) child.kill("SIGKILL");
  await redis?.stop();
});

async function startWorker(of = url): Promise<Running> {
  const worker = startCommand(["worker", "--redis", of, "--threads", "1"]);
  workers.push(worker);
  await worker.said("waiting for points");
  return worker;
}

/** What Redis has of the sweep's points, summed over them by a script on the server. */
async function sumOverJobs(field: string): Promise<number> {
  const script = `local sum = 0
    for _, key in ipairs(redis.call("KEYS", "normsim:points:" .. string.rep("[0-9a-f]", 64))) do
      sum = sum + tonumber(redis.call("HGET", key, "${field}") or 0) end
    return sum`;
  const env = { REDISCLI_AUTH: password };
  const { stdout } = await command("redis-cli", ["-p", `${redis.port}`, "EVAL", script, "0"], { env });
  return Number(stdout);
}

describe("a sweep over two worker processes", () => {
  test("one of which is killed midway gives 64 results, byte for byte those of the local sweep", async () => {
    const folder = temporaryFolder();
    const [here, there] = [join(folder, "here.ndjson"), join(folder, "there.ndjson")];
    const local = await sweepCommand([scenario, ...grid64, "--ndjson", here, "--quiet", "--threads", "1"]);
    expect(local.code, local.stderr).toBe(0);

    const [first, second] = await Promise.all([startWorker(), startWorker()]);
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
    expect(await sumOverJobs("stc")).toBe(1);
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
      /^job:1:/,
      /no content hash of "\/etc\/passwd"/,
    ])
      expect(failures.filter((reason) => pattern.test(reason)).length, String(pattern)).toBe(1);
    worker.child.kill("SIGTERM");
    expect(await endOf(worker.child)).toBe(0);
  });
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
      const wrong = await makeUrl();
      const results = await Promise.all([
        sweepCommand([scenario, "--set", "seed=1,2", "--redis", wrong]),
        command(process.execPath, [...workerArgs(wrong)]),
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

  test("a sweep of which no worker is heard gives up with a sentence, not in silence", async () => {
    const { points, files } = await readSweep(scenario, ["seed=201,202"]);
    const execute = await queueExecutor(url, files, { silenceSeconds: 0.5, reconnectSeconds: 30 });
    const sink = { report: () => {}, failure: () => {}, progress: () => {} };
    await expect(execute(points, sink, new AbortController().signal)).rejects.toThrow(
      /^no worker was heard of for 0\.5 s, and 2 points wait; start one/,
    );
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
  const { cli } = await import("./support/command.ts");
  const trace = `
    import { registerHooks } from "node:module";
    process.on("exit", () => {});`;
  expect(trace).toBeDefined();
  const { stderr, code } = await command(
    process.execPath,
    [cli, "run", scenario, "--threads", "0", "--quiet"],
    {
      env: { NODE_DEBUG: "esm,module" },
    },
  );
  expect(code).toBe(0);
  expect(stderr).toContain("run.js"); // the trace does name what is loaded
  expect(stderr).not.toMatch(/node_modules\/(bullmq|ioredis)/);
});

function workerArgs(of: string): string[] {
  return [new URL("../dist/src/node/cli.js", import.meta.url).pathname, "worker", "--redis", of];
}
