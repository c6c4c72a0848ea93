import { expect, test } from "vitest";
import { normsim } from "./support/command.ts";

// Oracle: the contract of the command line.

const widthMaximum = 100;

test("explain writes at most 100 columns, with a map of blocks", async () => {
  const { code, stdout } = await normsim(["explain", "--mesh", "data=4"]);
  expect(code).toBe(0);
  expect(stdout).toContain(" rank 0  ████     ████\n");
  expect(stdout).toContain(" rank 0  █···     █···\n");
  expect(stdout.split("\n").filter((line) => [...line].length > widthMaximum)).toEqual([]);
});

test("explain --ascii writes nothing beyond ASCII, in as few columns, at the most ranks too", async () => {
  const { code, stdout } = await normsim(["explain", "SyncBN", "--mesh", "data=32", "--ascii"]);
  expect(code).toBe(0);
  expect(stdout).toContain(`${"#".repeat(32)}  ${"#".repeat(32)}`);
  expect(stdout).toMatch(/^[\n\x20-\x7e]*$/);
  expect(stdout.split("\n").filter((line) => line.length > widthMaximum)).toEqual([]);
});

test("explain --json writes the rule and the dependency of ranks", async () => {
  const { code, stdout } = await normsim(["explain", "layer-norm", "SyncBN", "--mesh", "data=2", "--json"]);
  expect(code).toBe(0);
  const written = JSON.parse(stdout) as { normalizers: object[] };
  expect(Object.keys(written)).toEqual(["normalizers"]);
  expect(written.normalizers).toMatchObject([
    {
      name: "layer-norm",
      reduces: ["channels"],
      sharded: [],
      collectives: [],
      payloadBytes: 0,
      messages: 0,
      dependency: {
        forward: [
          [1, 0],
          [0, 1],
        ],
        backward: [
          [1, 0],
          [0, 1],
        ],
      },
    },
    {
      name: "SyncBN",
      sharded: ["samples"],
      dependency: {
        forward: [
          [1, 1],
          [1, 1],
        ],
        backward: [
          [1, 1],
          [1, 1],
        ],
      },
    },
  ]);
});

test("explain refuses an unknown normaliser and a malformed mesh with exit code 2", async () => {
  const { code, stdout, stderr } = await normsim(["explain", "layer-nrm", "--mesh", "tensr=4"]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/did you mean "layer-norm"\?[\s\S]*did you mean "tensor"\?/);
});
