import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { countSchedule } from "../src/collectives/count.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { command, normsim } from "./support/command.ts";
import { blocksOf, commandsOf, missingPiece } from "./support/document.ts";
import { everyCollective, request } from "./support/every-collective.ts";

// Oracle: the pages themselves. What they say is printed, is; what they say to type, works.

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const pages = [
  "README.md",
  ...readdirSync(new URL("docs/", root))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** A folder of its own, so that --dump and --html leave nothing in the repository. */
async function folderWithScenarios(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "normsim-docs-"));
  await command("cp", ["-r", "scenarios", folder]);
  // Pages import a model that the tests have.
  await command("cp", ["--parents", "-r", "test/golden/import", folder]);
  return folder;
}

for (const { args, quotes } of commandsOf(pages)) {
  test(`normsim ${args.join(" ")} works and prints what is quoted`, async () => {
    const { code, stdout, stderr } = await normsim(args, { cwd: await folderWithScenarios() });
    expect(code, stderr).toBe(0);
    for (const { page, pieces } of quotes) expect(missingPiece(stdout, pieces), page).toBe(undefined);
  });
}

test("the first screen shows all that npm start prints", async () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  expect(scripts.start).toContain("run scenarios/quickstart.yaml");
  const { stdout } = await normsim(["run", "scenarios/quickstart.yaml"]);
  expect(blocksOf("README.md")[1]).toEqual({ language: "text", content: stdout });
});

test("the use as a library prints what the README quotes", async () => {
  const blocks = blocksOf("README.md");
  const at = blocks.findIndex(({ language }) => language === "js");
  const folder = await folderWithScenarios();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(fileURLToPath(root), join(folder, "node_modules/normsim"));
  writeFileSync(join(folder, "use.mjs"), blocks[at]!.content);
  const { code, stdout, stderr } = await command(process.execPath, ["use.mjs"], { cwd: folder });
  expect([code, stderr, stdout]).toEqual([0, "", blocks[at + 1]!.content]);
});

test("a piece that is not printed, or out of order, is found", () => {
  expect(missingPiece("a\nb\nc\n", ["a\n", "c\n"])).toBe(undefined);
  expect(missingPiece("a\nb\nc\n", ["c\n", "a\n"])).toBe("a\n");
  expect(missingPiece("ab\n", ["b\n"])).toBe("b\n");
});

for (const [file, script] of [
  ["docs/scenario-reference.md", "scripts/scenario-reference.ts"],
  ["docs/picture.svg", "scripts/draw-picture.ts"],
  ["README.md", "scripts/speed-section.ts"],
] as const) {
  test(`${file} is what ${script} prints`, async () => {
    const { code, stdout, stderr } = await command(process.execPath, ["--import", "tsx", script]);
    expect(code, stderr).toBe(0);
    expect(read(file), "npm run docs makes it anew").toBe(stdout);
  });
}

test("the counts in the table of algorithms are those of the schedules", () => {
  const rows = everyCollective.map(([operation, algorithm]) => {
    // A vector of 840 elements: divisible by 8, by 6 and by 4.
    const scheduleOf = (ranks: number) => {
      const payload = operation === "all-gather" ? 840 / ranks : 840;
      return buildSchedule(operation, algorithm as never, request(ranks, payload, 4));
    };
    const { messagesSent, elementsSent, elements } = countSchedule(scheduleOf(8));
    const steps = `${scheduleOf(8).stepCount} | ${scheduleOf(6).stepCount}`;
    const share = `${Math.max(...elementsSent) / 840} n | ${elements / 840} n`;
    return `| ${operation} | ${algorithm} | ${steps} | ${Math.max(...messagesSent)} | ${share} |`;
  });
  const shown = read("docs/collectives.md")
    .split("\n")
    .filter((line) => /^\| (all|reduce|broadcast)/.test(line));
  expect(shown.map((line) => line.split("|").slice(0, 8).join("|").concat("|"))).toEqual(rows);
});

test("tests that pages name as their proof exist", () => {
  let found = 0;
  for (const page of pages) {
    let file = "";
    for (const [, named, title] of read(page)
      .replaceAll(/\s+/g, " ")
      .matchAll(/\*(?:([\w-]+\.test\.ts): )?"([^"]+)"\*/g)) {
      file = named ?? file;
      expect(read(`test/${file}`), `${page}: ${file}`).toContain(title);
      found++;
    }
  }
  expect(found).toBeGreaterThan(30);
});

test("links between pages, and into the repository, lead somewhere", () => {
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(new URL(join(page, "..", target!), root)), `${page}: ${target}`).toBe(true);
    }
  }
});
