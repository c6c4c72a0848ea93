import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findingOf } from "../src/report/finding.ts";
import type { NormalizerReport } from "../src/report/report.ts";
import { warningsOf } from "../src/report/warnings.ts";
import { unitRoundoff } from "../src/scenario/number-format.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { simulate } from "../src/simulate.ts";

const file = new URL("../scenarios/bf16-payload.yaml", import.meta.url);
const report = await simulate(parseScenario(readFileSync(file, "utf8"), "bf16-payload.yaml"));
const named = (name: string): NormalizerReport => report.normalizers.find((n) => n.name === name)!;
const worstVariance = (name: string): number => {
  const { max, min } = named(name).divergence.logVarianceRatio;
  return Math.max(Math.abs(max!), Math.abs(min!));
};

const u = unitRoundoff("bfloat16");
const kappa = 5 / 0.1;

// Oracle: error analysis. One rounding of E[x²] = σ²(1 + κ²) is up to u(1 + κ²) = 9.8 variances.
test("one-pass in bfloat16 is wrong by more than the variance itself", () => {
  expect(u * (1 + kappa ** 2)).toBeGreaterThan(9);
  expect(worstVariance("one-pass")).toBeGreaterThan(Math.log(2));
  expect(named("one-pass").numerics.clampedVariances).toBeGreaterThan(0);
});

// Oracle: error analysis. About a value of the rank the offsets have κ of a few; 196 values in lanes of 25 and four
// folds are 29 roundings of u in a row, a merge over 8 ranks 7 more: √36·u, and as much again for E[x − s]².
test("shifted in bfloat16 keeps the variance, as one-pass in float32 does", () => {
  const bound = 2 * Math.sqrt(36) * u;
  expect(worstVariance("shifted")).toBeLessThan(bound);
  expect(worstVariance("one-pass in float32")).toBeLessThan(bound);
});

// Oracle: the mean is rounded to bfloat16 when it is sent and in 7 merges: 8 roundings of u·κ at most.
test("what is left of shifted's error is its mean", () => {
  const { outputMse, meanGap } = named("shifted").divergence;
  expect(meanGap.max!).toBeLessThan(8 * u * kappa);
  expect(Math.abs(Math.sqrt(outputMse.max!) - meanGap.max!)).toBeLessThan(2 * Math.sqrt(36) * u);
});

// Oracle: error analysis. A mean about the shift is rounded by u of itself, at most a standard deviation here, in its 7
// additions and when it is sent: 8u. PyTorch sends the mean itself, κ times as large. E[x²] is off by u(1 + κ²)σ².
test("with exact moments the wire alone decides: squares break, sums about a shift hold", () => {
  const error = (name: string): number => Math.sqrt(named(name).divergence.outputMse.max!);
  expect(error("squares on the wire")).toBeGreaterThan(1);
  expect(error("shifted sums on the wire")).toBeLessThan(8 * u);
  expect(error("PyTorch")).toBeLessThan(8 * u * kappa);
  expect(error("PyTorch")).toBeGreaterThan(error("shifted sums on the wire"));
});

test("the report says so, and why", () => {
  const warnings = warningsOf(report).join("\n");
  expect(findingOf(report)).toMatch(
    /^Squares on the wire's outputs are .* because E\[x²\] − E\[x\]² loses digits: numbers are rounded to bfloat16/,
  );
  expect(named("one-pass").exactness!.reason).toMatch(/^moments are one-pass in bfloat16, and numbers are/);
  expect(warnings).toMatch(/one-pass: one-pass in bfloat16 subtracts .*lost at 16; shifted or two-pass hold/);
  expect(warnings).toMatch(/one-pass: \d+ variances negative by rounding/);
  expect(warnings).toMatch(
    /shifted: payloads travel as bfloat16: a mean of 4\.99 is off by up to 20 % of the/,
  );
  expect(warnings).not.toMatch(/shifted: .*subtracts/);
  expect(warnings).toMatch(
    /squares on the wire: payloads .* of the standard deviation, and E\[x²\] by 1100 % of/,
  );
  expect(warnings).not.toMatch(/shifted sums on the wire: /);
});
