import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { OptimizerSpec } from "../src/scenario/training.ts";
import { expectClose } from "./support/close.ts";
import { type LabelledBatch, soloTrainer } from "./support/solo-trainer.ts";

// Oracle: PyTorch 1.13 in float64, test/golden/training.py, from the same weights and data.

interface TrainingCase {
  readonly name: string;
  readonly normalizer: string;
  readonly optimizer: OptimizerSpec;
  readonly hidden: readonly number[];
  readonly steps: number;
  /** Parameters in the order of the network. */
  readonly initial: readonly (readonly number[])[];
  readonly batches: readonly LabelledBatch[];
  readonly losses: readonly number[];
  readonly final: readonly (readonly number[])[];
  /** Running mean and variance of each layer, where there are any. */
  readonly running: readonly (readonly number[])[];
}

const text = readFileSync(new URL("golden/training.json", import.meta.url), "utf8");
const { cases } = JSON.parse(text) as { cases: readonly TrainingCase[] };

/** 4 steps of about 100 roundings each along a path, 2⁻⁵³ apiece, amplified by 1/std of 8 samples; Adam divides by √v. */
const tolerance = 1e-12;

describe("four steps are PyTorch's", () => {
  for (const { name, normalizer, optimizer, hidden, steps, initial, batches, ...want } of cases) {
    test(name, async () => {
      const fields = {
        data: { source: "images", samples: batches[0]!.targets.length },
        normalizers: [{ type: normalizer }],
        training: { network: { kind: "mlp", hidden }, steps, optimizer },
      };
      const trainer = await soloTrainer(fields, "float64");
      const { parameters, normalizations } = trainer.network;
      expect(parameters.length).toBe(initial.length);
      for (const [index, { values }] of parameters.entries()) values.set(initial[index]!);
      const losses = batches.map((batch) => trainer.step(batch));
      expectClose(losses, want.losses, tolerance, 0, "losses");
      for (const [index, parameter] of parameters.entries())
        expectClose(parameter.values, want.final[index]!, 0, tolerance, parameter.name);
      const running = normalizations.flatMap(({ running }) => [running.runningMean, running.runningVariance]);
      for (const [index, buffer] of want.running.entries())
        expectClose(running[index]!, buffer, 0, tolerance, `buffer ${index}`);
    });
  }
});
