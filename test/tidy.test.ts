import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// Our own linter: plain string checks of rules that no other tool holds.

const root = fileURLToPath(new URL("../", import.meta.url));
const lineMaximum = 250;

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const isHandWritten = (path: string): boolean => /\.tsx?$/.test(path) && !path.endsWith("kernels-wasm.ts");
const sources = [...filesUnder("src"), ...filesUnder("workers")].filter(isHandWritten);
const tests = filesUnder("test").filter((path) => path.endsWith(".ts"));
const core = sources.filter((path) => path.startsWith("src/") && !/^src\/(node|web)[/.]/.test(path));

/** What a file imports, relative to the root, or by package name. */
function importsOf(path: string): string[] {
  const text = read(path);
  const statements = text.matchAll(/^(?:(?:import|export) .*|\}) from "([^"]+)";$|\bimport\("([^"]+)"\)/gm);
  const specifiers = [...statements].map((match) => match[1] ?? match[2]!);
  return specifiers.map((name) =>
    name.startsWith(".") ? relative(root, join(root, path, "..", name)) : name,
  );
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

describe("files", () => {
  test(`none is longer than ${lineMaximum} lines`, () => {
    const long = sources.filter((path) => read(path).split("\n").length > lineMaximum + 1);
    expect(long).toEqual([]);
  });

  test("none is named for being a drawer", () => {
    const drawers = /^(utils?|helpers?|common|types|misc|shared)\.ts$/;
    expect([...sources, ...tests].filter((path) => drawers.test(basename(path)))).toEqual([]);
  });

  test("every file of src is imported by another, or is an entry point", () => {
    const imported = new Set([...sources, ...tests].flatMap(importsOf));
    const entries = [
      ...["src/index.ts", "src/node.ts", "src/node/cli.ts", "workers/rank.ts", "workers/sweep.ts"],
      ...["src/web/start.ts", "workers/rank.web.ts", "workers/session.web.ts"],
    ];
    const isDead = (path: string): boolean =>
      !imported.has(path) &&
      !entries.includes(path) &&
      !path.endsWith(".d.ts") &&
      !path.includes("/assembly/");
    expect(sources.filter(isDead)).toEqual([]);
  });
});

describe("imports", () => {
  /** A folder may import those before it; type-only imports of scenario and cost/cluster count as vocabulary. */
  const layers = [
    "scenario",
    "statistics",
    "kernels",
    "collectives",
    "normalizers",
    "training",
    "engine",
    "cost",
    "explain",
    "report",
  ];
  const vocabulary = [
    "src/cost/cluster.ts",
    "src/cost/presets.ts",
    "src/cost/links.ts",
    "src/cost/nccl/version.ts",
    "src/collectives/algorithms.ts",
    "src/kernels/kernels.ts",
  ];

  test("they point one way through the layers", () => {
    const layerOf = (path: string): number => layers.indexOf(path.split("/")[1]!);
    const against = core.flatMap((path) =>
      importsOf(path)
        .filter(
          (target) => target.startsWith("src/") && layerOf(target) > layerOf(path) && layerOf(path) >= 0,
        )
        .filter((target) => !vocabulary.includes(target) && !target.startsWith("src/cost/clusters/"))
        .map((target) => `${path} imports ${target}`),
    );
    expect(against).toEqual([]);
  });

  test("the core imports neither Node nor a host", () => {
    const hosts = core.flatMap((path) =>
      importsOf(path).filter((name) => /^node:|^src\/(node|web)\//.test(name)),
    );
    expect(hosts).toEqual([]);
  });

  test("Node and web never meet", () => {
    const web = sources.filter((path) => path.startsWith("src/web/") || path.endsWith(".web.ts"));
    const node = sources.filter((path) => path.startsWith("src/node/"));
    expect(web.length).toBeGreaterThan(10);
    expect(web.flatMap(importsOf).filter((name) => /^node:|^src\/node/.test(name))).toEqual([]);
    expect(node.flatMap(importsOf).filter((name) => name.startsWith("src/web"))).toEqual([]);
  });

  test("nobody imports workers: they are loaded by URL", () => {
    expect([...sources, ...tests].flatMap(importsOf).filter((name) => name.startsWith("workers/"))).toEqual(
      [],
    );
  });

  test("a third-party package is imported by one file; Comlink by one a host, Preact by the page's views", () => {
    const users = new Map<string, string[]>();
    for (const path of sources) {
      for (const name of new Set(
        importsOf(path).filter(
          (it) => !it.startsWith("src/") && !it.startsWith("node:") && !it.includes("/assembly/"),
        ),
      )) {
        if (path.includes("/assembly/")) continue;
        users.set(packageOf(name), [...(users.get(packageOf(name)) ?? []), path]);
      }
    }
    expect(users.get("comlink")).toEqual(["src/node/rank-channel.ts", "src/web/channel.ts"]);
    expect(users.get("preact")!.filter((path) => !path.endsWith(".tsx"))).toEqual([]);
    const severalTimes = [...users].filter(([, paths]) => paths.length > 1).map(([name]) => name);
    expect(severalTimes.sort()).toEqual(["comlink", "preact"]);
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    // The page is built before it is published, and Preact with it.
    const needed = [...users.keys()].filter((name) => name !== "preact");
    expect(needed.sort()).toEqual(Object.keys(dependencies).sort());
  });
});

describe("words", () => {
  test("the core has no clock, no console and no randomness of its own", () => {
    const banned =
      /\b(Math\.random|Date\.now|new Date|performance\.|console\.|process\.|setTimeout|setInterval)\b/;
    // The text of a script that runs in the reader's browser.
    const scriptText = "src/report/html/player.ts";
    expect(core.filter((path) => path !== scriptText && banned.test(read(path)))).toEqual([]);
  });

  test("no test is focused or skipped", () => {
    const focused = /\b(test|describe|it)\.(only|skip|todo|fails)\b/;
    expect(tests.filter((path) => path !== "test/tidy.test.ts" && focused.test(read(path)))).toEqual([]);
  });

  test("names are the field's words", () => {
    const foreign = /\b(workerId|numGpus|syncStats|gpuCount|nodeCount)\b/;
    expect(sources.filter((path) => foreign.test(read(path)))).toEqual([]);
  });
});
