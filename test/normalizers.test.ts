import { describe, test } from "vitest";
import { implementations } from "../src/normalizers/registry.ts";
import { expectOutcome } from "./support/expect-outcome.ts";
import { goldenFamilies, readGolden } from "./support/golden.ts";
import type { NormalizerCase } from "./support/normalizer-case.ts";
import { engineOutcome } from "./support/run-case.ts";
import { batchNormTable, layerNormTable, residentTable } from "./support/table.ts";

// Oracles: PyTorch 1.13 and NumPy by test/golden/generate.py, and the hand-worked rows of support/table.ts.
// Tolerances are derived from each case in support/expect-outcome.ts.

const families: readonly (readonly [string, readonly NormalizerCase[]])[] = [
  ...goldenFamilies.map((family) => [`golden ${family}`, readGolden(family)] as const),
  ["hand-worked batch-norm", batchNormTable],
  ["hand-worked layer-norm", layerNormTable],
  ["hand-worked normalisers of one rank", residentTable],
];

for (const storage of ["float64", "float32"] as const) {
  for (const implementation of implementations) {
    describe(`${storage} storage, groups synchronised as ${implementation}`, () => {
      for (const [family, cases] of families) {
        for (const example of cases) {
          if (example.type !== "batch-norm" && implementation !== "pytorch") continue;
          test(`${family}: ${example.type} of ${example.name}`, async () => {
            expectOutcome(await engineOutcome(example, { storage, implementation }), example, storage);
          });
        }
      }
    });
  }
}
