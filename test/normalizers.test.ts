import { describe, test } from "vitest";
import { implementations } from "../src/normalizers/implementations.ts";
import { implementationNames } from "../src/scenario/implementation-names.ts";
import { expectOutcome } from "./support/expect-outcome.ts";
import { goldenFamilies, readGolden } from "./support/golden.ts";
import type { NormalizerCase } from "./support/normalizer-case.ts";
import { groupRanks } from "./support/outcome.ts";
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

/** Those that are exact on ranks of any size and remember what PyTorch remembers. */
const exactNames = implementationNames.filter((name) => {
  const { weighting, runningVariance, emptyRank } = implementations[name];
  return weighting === "count" && runningVariance === "unbiased" && emptyRank === "joins";
});

/** Whether a group's first rank is empty, so that its sums are about 0 (test/implementations.test.ts). */
const hasNoShift = (example: NormalizerCase): boolean =>
  example.type === "batch-norm" && groupRanks(example).some(([first]) => first!.samples === 0);

for (const storage of ["float64", "float32"] as const) {
  for (const implementation of exactNames) {
    describe(`${storage} storage, groups synchronised as ${implementation}`, () => {
      for (const [family, cases] of families) {
        for (const example of cases) {
          if (example.type !== "batch-norm" && implementation !== "pytorch") continue;
          if (implementation === "all-reduce-shifted" && hasNoShift(example)) continue;
          test(`${family}: ${example.type} of ${example.name}`, async () => {
            expectOutcome(await engineOutcome(example, { storage, implementation }), example, storage);
          });
        }
      }
    });
  }
}
