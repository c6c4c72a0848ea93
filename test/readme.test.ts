import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command, normsim } from "./support/command.ts";

// Oracle: the README itself. What it says is printed, is; what it says to type, works.

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const commands = [...readme.matchAll(/^npx normsim (.+)$/gm)].map((match) =>
  match[1]!.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", "")),
);

test("the first screen shows what npm start prints", async () => {
  const shown = readme.match(/```text\n([\s\S]+?)```/)![1]!;
  const scripts = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).scripts;
  expect(scripts.start).toContain("run scenarios/quickstart.yaml");
  const { stdout } = await normsim(["run", "scenarios/quickstart.yaml"]);
  expect(stdout).toBe(shown);
});

test("the errors of predictions that it shows are those of normsim validate", async () => {
  const { stdout } = await normsim(["validate"]);
  const [, leftOut, steps] = [...readme.matchAll(/```text\n([\s\S]+?)```/g)].map((match) => match[1]!);
  expect(stdout).toContain(leftOut);
  expect(stdout).toContain(steps);
});

test("the comparison of libraries that it shows is what its scenario prints", async () => {
  const { stdout } = await normsim(["run", "scenarios/implementations.yaml"]);
  const shown = [...readme.matchAll(/```text\n([\s\S]+?)```/g)].map((match) => match[1]!)[3]!;
  for (const line of shown.trimEnd().split("\n")) expect(stdout.split("\n")).toContain(line);
});

test("there are commands to run", () => {
  expect(commands.length).toBeGreaterThanOrEqual(5);
});

for (const args of commands) {
  test(`normsim ${args.join(" ")} ends with 0`, async () => {
    // In a folder of its own, so that --dump and --out leave nothing in the repository.
    const folder = mkdtempSync(join(tmpdir(), "normsim-readme-"));
    await command("cp", ["-r", "scenarios", folder]);
    const { code, stderr } = await normsim(args, { cwd: folder });
    expect(code, stderr).toBe(0);
  });
}
