import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// What is loaded before the first line of a command runs is what a user waits for: the closure of static imports.

const source = fileURLToPath(new URL("../src/", import.meta.url));
const bundled = fileURLToPath(new URL("../dist/command/", import.meta.url));

/** Files and packages that a file loads at once; `import(...)` and types are not among them. */
function loadedBy(root: string, path: string, loaded: Set<string> = new Set()): Set<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  const text = readFileSync(join(root, path), "utf8");
  for (const [, clause, name] of text.matchAll(/^(?:import|export) (?!type )([^;]*?) from "([^"]+)";$/gm)) {
    if (/^\{( type \w+,?)+ \}$/.test(clause!.replaceAll(/\s+/g, " "))) continue;
    if (name!.startsWith(".")) loadedBy(root, join(path, "..", name!), loaded);
    else loaded.add(name!);
  }
  return loaded;
}

const elsewhere = ["ioredis", "bullmq", "hyparquet-writer", "d3-scale", "vite"];

describe("what a start loads", () => {
  const cases = [
    { entry: "node/cli.ts", unwanted: [...elsewhere, "zod", "yaml", "piscina", "comlink"] },
    {
      entry: "node/run.ts",
      unwanted: [...elsewhere, "piscina", "training/needs.ts", "engine/rank.ts", "report/html/run-page.ts"],
    },
    { entry: "node/piscina-host.ts", unwanted: [...elsewhere, "zod", "yaml", "engine/coordinator.ts"] },
    { entry: "node/rank-worker.ts", unwanted: [...elsewhere, "zod", "yaml"] },
  ];
  for (const { entry, unwanted } of cases) {
    test(`${entry} loads nothing of ${unwanted.join(", ")}`, () => {
      const loaded = loadedBy(source, entry);
      expect(loaded.size).toBeGreaterThan(1);
      expect(unwanted.filter((name) => loaded.has(name))).toEqual([]);
    });
  }
});

// A file that Node has to find costs about a millisecond, and every thread pays for its own.
describe("what the bundled command loads is few files and no package", () => {
  for (const entry of ["src/node/cli.js", "workers/rank.js", "workers/sweep.js"]) {
    test(entry, () => {
      const loaded = [...loadedBy(bundled, entry)];
      expect(loaded.filter((name) => !/\.js$|^node:/.test(name))).toEqual([]);
      expect(loaded.filter((name) => name.endsWith(".js")).length).toBeLessThanOrEqual(50);
    });
  }
});
