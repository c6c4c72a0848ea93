import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "./support/command.ts";

test("the packed package installs elsewhere, runs by npx and can be imported", {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "normsim-package-"));
  const packed = await command("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
  expect(packed.code, packed.stderr).toBe(0);
  const [{ filename, files }] = JSON.parse(packed.stdout) as [
    { filename: string; files: { path: string }[] },
  ];
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      "dist/command/licenses.md",
      "dist/command/workers/rank.js",
      "dist/workers/rank.js",
      "dist/web/index.html",
      "scenarios/quickstart.yaml",
      "LICENSE",
      "README.md",
    ]),
  );
  expect(
    paths.filter((path) => /^(dist\/test|dist\/src\/web|src)\//.test(path) || path.includes(".web.")),
  ).toEqual([]);

  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "elsewhere", version: "1.0.0", type: "module" }),
  );
  const installed = await command(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${filename}`],
    { cwd: folder },
  );
  expect(installed.code, installed.stderr).toBe(0);

  const scenario = readFileSync(new URL("../scenarios/tiny-microbatch.yaml", import.meta.url), "utf8");
  const run = await command(
    "npx",
    ["--no-install", "normsim", "run", "-", "--json", "--quiet", "--threads", "2"],
    {
      cwd: folder,
      input: scenario,
    },
  );
  expect([run.code, run.stderr]).toEqual([0, ""]);
  expect(JSON.parse(run.stdout).version).toBe(1);

  const program = `
    import { parseScenario, simulate } from "normsim";
    import { piscinaHost } from "normsim/node";
    const scenario = parseScenario(${JSON.stringify(scenario)}, "tiny.yaml");
    const report = await simulate(scenario, { host: piscinaHost({ threads: 2 }) });
    console.log(report.normalizers.length);`;
  writeFileSync(join(folder, "use.mjs"), program);
  const used = await command(process.execPath, ["use.mjs"], { cwd: folder });
  expect([used.code, used.stderr, used.stdout.trim()]).toEqual([0, "", "3"]);
});
