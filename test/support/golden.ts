import { readFileSync } from "node:fs";
import type { NormalizerCase } from "./normalizer-case.ts";

/** Families of golden cases, made by test/golden/generate.py: PyTorch, and NumPy where there is a mask. */
export const goldenFamilies = [
  "batch-norm",
  "batch-norm-grouped",
  "batch-norm-masked",
  "layer-norm",
  "rms-norm",
  "group-norm",
  "instance-norm",
] as const;

/** The cases of one family. */
export function readGolden(family: (typeof goldenFamilies)[number]): NormalizerCase[] {
  return JSON.parse(readFileSync(new URL(`../golden/${family}.json`, import.meta.url), "utf8"));
}
