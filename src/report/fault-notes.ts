import { knownFaults } from "../normalizers/known-faults.ts";
import type { NormalizerFault } from "../scenario/scenario.ts";
import { formatPercent } from "./format.ts";
import type { NormalizerReport, Report } from "./report.ts";

/** The fault that a normaliser of the report was run with, if any. */
export function faultOf(
  { scenario, normalizers }: Report,
  normalizer: NormalizerReport,
): NormalizerFault | undefined {
  const spec = scenario.normalizers[normalizers.indexOf(normalizer)]!;
  return "fault" in spec ? spec.fault : undefined;
}

/** What each fault of the report did, in a clause. */
export function faultClauses(report: Report): string[] {
  return report.normalizers.flatMap((normalizer) => {
    const fault = faultOf(report, normalizer);
    return fault === undefined
      ? []
      : [`${normalizer.name} shows ${fault}: ${consequence(fault, normalizer)}`];
  });
}

/** What is wrong with it and where it was seen, a line each. */
export function faultNotes(report: Report): string[] {
  return report.normalizers.flatMap((normalizer) => {
    const fault = faultOf(report, normalizer);
    if (fault === undefined) return [];
    const { what, seenIn } = knownFaults[fault];
    return [`${normalizer.name}: ${fault}: ${what} (seen in ${seenIn.join(", ")})`];
  });
}

function consequence(fault: NormalizerFault, { weightGradients, divergence }: NormalizerReport): string {
  const share = (value: number | null): string => (value === null ? "not finite" : formatPercent(value));
  if (fault === "rank-local-statistics") {
    const error = divergence.outputMse.mean;
    return `its outputs are ${share(error === null ? null : Math.sqrt(error))} off those of the whole tokens`;
  }
  const { disagreement, error } = weightGradients!;
  if (fault === "missing-gradient-all-reduce")
    return `weight gradients differ by up to ${share(disagreement)} between tensor ranks, whose weights drift apart`;
  return `weight gradients agree, and are ${share(error)} off their sum`;
}
