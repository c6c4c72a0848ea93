import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { countSchedule } from "../src/collectives/count.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { command, normsim } from "./support/command.ts";
import { commandsOf, missingPiece } from "./support/document.ts";
import { everyCollective, request } from "./support/every-collective.ts";

// Oracle: the pages themselves. What they say is printed, is; what they say to type, works.

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const pages = readdirSync(new URL("docs/", root))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);

const documented = pages.flatMap((page) => commandsOf(page).map((it) => ({ page, ...it })));

for (const { page, args, quotes } of documented) {
  test(`normsim ${args.join(" ")} prints what ${page} quotes`, async () => {
    // In a folder of its own, so that --dump and --html leave nothing in the repository.
    const folder = mkdtempSync(join(tmpdir(), "normsim-docs-"));
    await command("cp", ["-r", "scenarios", folder]);
    const { code, stdout, stderr } = await normsim(args, { cwd: folder });
    expect(code, stderr).toBe(0);
    for (const pieces of quotes) expect(missingPiece(stdout, pieces)).toBe(undefined);
  });
}

test("a piece that is not printed, or out of order, is found", () => {
  expect(missingPiece("a\nb\nc\n", ["a\n", "c\n"])).toBe(undefined);
  expect(missingPiece("a\nb\nc\n", ["c\n", "a\n"])).toBe("a\n");
  expect(missingPiece("ab\n", ["b\n"])).toBe("b\n");
});

for (const [file, script] of [
  ["docs/scenario-reference.md", "scripts/scenario-reference.ts"],
  ["docs/picture.svg", "scripts/draw-picture.ts"],
] as const) {
  test(`${file} is what ${script} prints`, async () => {
    const { code, stdout, stderr } = await command(process.execPath, ["--import", "tsx", script]);
    expect(code, stderr).toBe(0);
    expect(read(file)).toBe(stdout);
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
  for (const page of pages) {
    let file = "";
    for (const [, named, title] of read(page)
      .replaceAll(/\s+/g, " ")
      .matchAll(/\*(?:([\w-]+\.test\.ts): )?"([^"]+)"\*/g)) {
      file = named ?? file;
      expect(read(`test/${file}`), `${page}: ${file}`).toContain(title);
    }
  }
});

test("links between pages, and into the repository, lead somewhere", () => {
  for (const page of [...pages, "README.md"]) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(new URL(join(page, "..", target!), root)), `${page}: ${target}`).toBe(true);
    }
  }
});
