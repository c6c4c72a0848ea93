import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normsim } from "./support/command.ts";
import { blocksOf } from "./support/document.ts";

// Oracle: the header of each scenario, which says how it ends.

const folder = new URL("../scenarios/faults/", import.meta.url);

describe("a scenario that goes wrong on purpose", () => {
  for (const name of readdirSync(folder)) {
    test(`${name} ends as it says, and names its source and what to look at`, async () => {
      const path = new URL(name, folder);
      const [header] = readFileSync(path, "utf8").split("\nname:") as [string];
      expect(header.split("\n").every((line) => line.startsWith("# "))).toBe(true);
      expect(header).toMatch(/^# Source: \S/m);
      expect(header).toMatch(/^# Look at: \S/m);
      const [, code, message] = /^# Ends with: exit (\d): (.+)$/m.exec(header)!;
      const finished = await normsim(["run", path.pathname, "--threads", "2"]);
      expect(finished.code).toBe(Number(code));
      expect(finished.stdout === "").toBe(code !== "0");
      expect(finished.stderr).toContain(message);
      expect(finished.stderr).not.toMatch(/^\s+at /m);
    });
  }
});

test("what docs/faults.md quotes is what a run in this process prints", async () => {
  const [{ content } = { content: "" }] = blocksOf("docs/faults.md").filter(
    ({ language }) => language === "console",
  );
  const [command, ...printed] = content.split("\n");
  const { code, stderr } = await normsim(command!.replace("$ npx normsim ", "").split(" "));
  expect([code, stderr]).toEqual([1, printed.join("\n")]);
});
