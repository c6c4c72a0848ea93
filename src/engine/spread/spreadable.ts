import { createNormalizer } from "../../normalizers/registry.ts";
import { layoutOf } from "../../scenario/mesh.ts";
import type { NormalizerSpec, Scenario } from "../../scenario/scenario.ts";
import { isSpoiledValue } from "../../scenario/spoiled-value.ts";

/** What of a scenario cannot be spread over blocks of ranks: by path, with the reason. */
export function spreadObjections(scenario: Scenario): { readonly path: string; readonly message: string }[] {
  const { training, faults, normalizers, backward } = scenario;
  const objections: { path: string; message: string }[] = [];
  const expect = (path: string, message: string): void => {
    objections.push({ path, message });
  };
  if (training !== null) expect("training", "expected none: a network's steps follow each other closely");
  for (const [index, fault] of faults.entries())
    if (!isSpoiledValue(fault))
      expect(
        `faults[${index}].kind`,
        `expected nan or inf, got ${fault.kind}: a job that fails is run again, and waits for no other`,
      );
  for (const [index, spec] of normalizers.entries())
    if (backward && layoutOf(spec) !== "sharded")
      expect(
        `normalizers[${index}].tensorParallel`,
        `expected sharded, got ${layoutOf(spec)}: its weight gradients are compared where all x are`,
      );
  return objections;
}

/** Whether what a normaliser reports of a microbatch depends on those before it. */
export function remembers(spec: NormalizerSpec, { evaluation, accumulation }: Scenario): boolean {
  const usesRunning = spec.type === "batch-renorm" || ("buffers" in spec && spec.buffers !== "per-rank");
  const recurs = createNormalizer(spec).recurrence !== undefined;
  return usesRunning || recurs || evaluation !== undefined || accumulation > 1;
}
