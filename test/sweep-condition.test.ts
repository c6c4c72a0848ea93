import { describe, expect, test } from "vitest";
import { ScenarioError } from "../src/errors.ts";
import type { Report } from "../src/report/report.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { simulate } from "../src/simulate.ts";
import { failIf, parseCondition } from "../src/sweep/condition.ts";
import { base } from "./support/scenario-text.ts";

const report = await simulate(parseScenario(base.join("\n"), "s.yaml"));

/** The report with a figure of the first normaliser, BN, written differently. */
function withMean(mean: number | null, nonFinite = 0): Report {
  const [first, ...rest] = report.normalizers;
  const outputMse = { ...first!.divergence.outputMse, mean };
  const changed = {
    ...first!,
    divergence: { ...first!.divergence, outputMse },
    numerics: { ...first!.numerics, nonFinite },
  };
  return { ...report, normalizers: [changed, ...rest] };
}

function messageOf(expression: string, of: Report = report): string {
  try {
    failIf(parseCondition(expression), of);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return "";
}

describe("a condition holds as arithmetic has it", () => {
  // By hand: the mean is 0.5 in BN; LN is exact, its mean is 0.
  const rows: readonly (readonly [string, boolean])[] = [
    ["divergence.outputMse.mean > 0.1", true],
    ["divergence.outputMse.mean > 0.5", false],
    ["divergence.outputMse.mean >= 0.5", true],
    ["divergence.outputMse.mean<1e-3", true], // LN
    ["BN: divergence.outputMse.mean < 1e-3", false],
    ["BN:divergence.outputMse.mean == .5", true],
    [" BN : divergence.outputMse.mean != +5.e-1 ", false],
    ["LN: divergence.outputMse.mean != 0", false],
    ["LN: divergence.outputMse.mean <= -0", true],
    ["BN: communication.total.wireBytes > 0", true],
    ["LN: communication.total.wireBytes > 0", false],
    ["numerics.nonFinite > 0", false],
  ];
  for (const [expression, holds] of rows)
    test(`${expression}: ${holds}`, () =>
      expect(failIf(parseCondition(expression), withMean(0.5)).holds).toBe(holds));

  test("and says where", () => {
    expect(failIf(parseCondition("divergence.outputMse.mean > 0.1"), withMean(0.5)).findings).toEqual([
      "BN: divergence.outputMse.mean is 0.5, > 0.1",
    ]);
  });

  test("what is not finite does not pass as small", () => {
    for (const comparison of [">", "<"]) {
      const condition = parseCondition(`BN: divergence.outputMse.mean ${comparison} 0.1`);
      expect(failIf(condition, withMean(null, 3))).toEqual({
        holds: true,
        findings: ["BN: divergence.outputMse.mean is not finite"],
      });
    }
  });

  test("a name may hold colons and comparisons", () => {
    const [first] = report.normalizers;
    const named = { ...report, normalizers: [{ ...first!, name: "a: b > c" }] };
    expect(failIf(parseCondition("a: b > c: communication.total.wireBytes > 0"), named).holds).toBe(true);
  });
});

describe("a condition that is none is refused", () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ["", /expected a figure, a comparison/],
    ["divergence.outputMse.mean", /expected a figure, a comparison/],
    ["divergence.outputMse.mean > x", /expected a figure, a comparison/],
    ["divergence.outputMse.mean > 1 or 1 < 2", /expected a figure, a comparison/],
    ["divergence.outputMse.mean => 1", /expected a figure, a comparison/],
    ["process.exit() > 1", /expected a figure, a comparison/],
    ["0.1 < divergence.outputMse.mean", /expected a figure, a comparison/],
    [`${"x".repeat(400)} > 1`, /expected a figure, a comparison/],
    ["divergence.outputMSE.maen > 1", /did you mean "divergence.outputMse.m(ean|ax|in)"/],
    ["bytes > 1", /a report has no number "bytes"; figures are those of run --json/],
    ["divergence.outputMse > 1", /a report has no number "divergence.outputMse"/],
    ["name > 1", /a report has no number "name"/],
    ["constructor > 1", /a report has no number "constructor"/],
    ["BM: numerics.nonFinite > 1", /no normaliser is called "BM"; did you mean "BN"/],
    ["SyncBN: numerics.nonFinite > 1", /no normaliser is called "SyncBN"; there are BN, LN/],
  ];
  for (const [expression, pattern] of rows)
    test(expression.slice(0, 50) || "nothing", () => expect(messageOf(expression)).toMatch(pattern));

  test("so is one about a figure that this run does not know", () => {
    expect(messageOf("BN: divergence.outputMse.mean > 1", withMean(null))).toMatch(
      /has no value in this run/,
    );
  });
});
