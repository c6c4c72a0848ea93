import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { command, normsim } from "./support/command.ts";
import { drawsFrom, mutate } from "./support/mutation.ts";
import { safetensorsBytes } from "./support/safetensors-file.ts";

// Oracle: an invariant. Whatever is in a file, it is read, or refused in a sentence: no stack trace, no hang, no heap
// that grows with what a header claims. The campaign by hand: node dist/test/support/hostile-campaign.js 5000 1

const program = fileURLToPath(new URL("../dist/test/support/hostile-campaign.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "normsim-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Campaign {
  readonly results: readonly {
    readonly name: string;
    readonly accepted: number;
    readonly refused: number;
    readonly slowestCpuSeconds: number;
    readonly failures: readonly string[];
  }[];
  readonly memoryBytes: number;
}

const seed = 20_251;
const mutantsOfEach = 200;
/** Of the program, its modules and all it reads; a header may claim terabytes. */
const mostMemoryBytes = 768 * 2 ** 20;
/** Processor time, which a busy machine does not lengthen as it does the wall's. */
const mostCpuSeconds = 2;

test(`${10 * mutantsOfEach} mutated files of ten formats are read or refused in a sentence, seed ${seed}`, async () => {
  const args = ["--max-old-space-size=256", program, `${mutantsOfEach}`, `${seed}`];
  const { code, stdout, stderr } = await command(process.execPath, args);
  expect([code, stderr]).toEqual([0, ""]);
  const { results, memoryBytes } = JSON.parse(stdout) as Campaign;
  expect(results.flatMap(({ name, failures }) => failures.map((text) => `${name}: ${text}`))).toEqual([]);
  expect(results.length).toBe(10);
  for (const { name, accepted, refused, slowestCpuSeconds } of results) {
    expect(accepted + refused, name).toBe(mutantsOfEach);
    expect(refused, name).toBeGreaterThan(mutantsOfEach / 4);
    expect(slowestCpuSeconds, name).toBeLessThan(mostCpuSeconds);
  }
  expect(memoryBytes).toBeLessThan(mostMemoryBytes);
}, 120_000);

const golden = (name: string): Uint8Array => readFileSync(new URL(`golden/${name}`, import.meta.url));
/** The first mutant that starts like no such file, for a mutation of the front. */
const mutant = (name: string): Uint8Array => mutate(golden(name).subarray(0, 60), drawsFrom(3));

test.each<[string, Uint8Array, readonly string[]]>([
  ["m.onnx", mutant("import/network.onnx"), ["import"]],
  ["m.safetensors", mutant("import/weights.safetensors"), ["import"]],
  ["nested.safetensors", safetensorsBytes("[".repeat(2 ** 20)), ["import"]],
  [
    "m.json",
    new TextEncoder().encode(`{"layers": [${'{"a":'.repeat(10_000)}`),
    ["estimate", "--cluster", "dgx-a100", "--gpus", "8", "--microbatch", "1", "--model"],
  ],
  ["m.yaml", new TextEncoder().encode(`a: &a [1]\nb: ${"[*a, ".repeat(10_000)}`), ["run"]],
  ["nccl.json", new TextEncoder().encode(`{"results": ${"[".repeat(100_000)}`), ["calibrate"]],
])("the command line refuses %s with exit code 2 and no stack trace", async (name, bytes, args) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const { code, stdout, stderr } = await normsim([...args, path]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).not.toMatch(/^\s+at |should not have/m);
  expect(stderr).toContain(name);
});
