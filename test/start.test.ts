import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// What is loaded before the first line of a command runs is what a user waits for: the closure of static imports.

const root = fileURLToPath(new URL("../src/", import.meta.url));

/** Files and packages that a file loads at once; `import(...)` and types are not among them. */
function loadedBy(path: string, loaded: Set<string> = new Set()): Set<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  const text = readFileSync(join(root, path), "utf8");
  for (const [, clause, name] of text.matchAll(/^(?:import|export) (?!type )([^;]*?) from "([^"]+)";$/gm)) {
    if (/^\{( type \w+,?)+ \}$/.test(clause!.replaceAll(/\s+/g, " "))) continue;
    if (name!.startsWith(".")) loadedBy(join(path, "..", name!), loaded);
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
      const loaded = loadedBy(entry);
      expect(loaded.size).toBeGreaterThan(1);
      expect(unwanted.filter((name) => loaded.has(name))).toEqual([]);
    });
  }
});
