import { implementations } from "../normalizers/implementations.ts";
import { isHalf, largestOf, machineEpsilon, unitRoundoff } from "../scenario/number-format.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import { evaluationWarning } from "./evaluation-warning.ts";
import { faultNotes } from "./fault-notes.ts";
import { formatPercent, plural } from "./format.ts";
import type { NormalizerReport, Report } from "./report.ts";

/** From this share of the variance on, or of a standard deviation, an error is worth a line. */
const notable = 0.01;

interface Subject {
  readonly normalizer: NormalizerReport;
  readonly spec: NormalizerSpec;
  readonly report: Report;
}

/** Program errors that were run on purpose, numeric events and dangers, a line each with the reason. */
export function warningsOf(report: Report): string[] {
  const numeric = report.normalizers.flatMap((normalizer, index) => {
    const subject = { normalizer, spec: report.scenario.normalizers[index]!, report };
    return [
      spreadWarning(subject),
      spreadlessWarning(subject),
      clampWarning(subject),
      overflowWarning(subject),
      cancellationWarning(subject),
      storageWarning(subject),
      payloadWarning(subject),
      evaluationWarning(normalizer.runningStatistics),
    ]
      .filter((warning) => warning !== null)
      .map((warning) => `${normalizer.name}: ${warning}`);
  });
  return [...faultNotes(report), ...momentsNote(report), ...numeric];
}

/** What of the report was not measured, and why. */
function momentsNote({ scenario: { data } }: Report): string[] {
  if (data.source !== "moments") return [];
  return [
    "from moments alone: y's error follows from them, without the rounding of y; dx, and so gradientCosine and " +
      "backward communication, need dy, which was not recorded",
  ];
}

function spreadWarning({ normalizer: { numerics }, spec }: Subject): string | null {
  const { nonFinite, nonFiniteOutputShare, nonFiniteGradientShare } = numerics;
  if (nonFinite === 0) return null;
  const shares = `${formatPercent(nonFiniteOutputShare)} of y, ${formatPercent(nonFiniteGradientShare)} of dx`;
  const squares = "moments" in spec && spec.moments === "one-pass" && spec.accumulate === "float16";
  const reason = squares ? "; one-pass squares x, and in float16 x² is infinite from |x| = 256 on" : "";
  return `${plural(nonFinite, "output")} NaN or infinite (${shares}): one such value spoils every set it lies in${reason}`;
}

/** Sets of one value, or of equal ones. */
function spreadlessWarning({ normalizer: { type, numerics }, spec }: Subject): string | null {
  const renormalizes = type === "batch-renorm";
  if (numerics.singleValueGroups > 0)
    return (
      `${plural(numerics.singleValueGroups, "group")} had one value a channel: y is the bias${renormalizes ? " and γd" : ""}, dx is 0, and ` +
      "running variances were left alone (PyTorch raises an error here)"
    );
  if (numerics.constantSets === 0) return null;
  const gain = spec.epsilon === null || spec.epsilon === 0 ? null : Math.round(1 / Math.sqrt(spec.epsilon));
  const amplified = gain === null ? "" : `, and dx is up to 1/√ε = ${gain} times dy`;
  return `${plural(numerics.constantSets, "statistic")} without spread: x̂ is ${renormalizes ? "d" : "0"} there${amplified}`;
}

function clampWarning({ normalizer: { numerics } }: Subject): string | null {
  if (numerics.clampedVariances === 0) return null;
  return `${plural(numerics.clampedVariances, "variance")} negative by rounding, taken as 0`;
}

function overflowWarning({ normalizer: { numerics }, report: { scenario } }: Subject): string | null {
  if (numerics.overflows === 0) return null;
  const formats = [scenario.storage, scenario.payload].filter((format) => format !== "auto").filter(isHalf);
  const limits = [...new Set(formats)].map(
    (format) => `${format} ends at ${largestOf(format).toPrecision(5)}`,
  );
  return `${plural(numerics.overflows, "number")} became infinite: ${limits.join(", ") || "the wire's format ends below"}`;
}

/**
 * E[x²] − E[x]² loses about u·κ² of the variance, κ = |mean|/std: all of it from κ = u^−½ on (Chan, Golub,
 * LeVeque 1983, Am. Stat. 37:242).
 */
function cancellationWarning({ normalizer: { numerics }, spec }: Subject): string | null {
  if (!("moments" in spec) || spec.moments !== "one-pass" || numerics.worstConditioned === null) return null;
  const { mean, std } = numerics.worstConditioned;
  const u = unitRoundoff(spec.accumulate);
  const lost = u * (mean / std) ** 2;
  if (!(lost >= notable)) return null;
  const kappa = (Math.abs(mean) / std).toPrecision(3);
  const breakingPoint = Math.round(u ** -0.5);
  return (
    `one-pass in ${spec.accumulate} subtracts nearly equal numbers: at |mean|/std = ${kappa} rounding is about ` +
    `${formatPercent(lost)} of the variance, and all of it is lost at ${breakingPoint}; shifted or two-pass hold`
  );
}

/** What a half format's step q at the mean adds to the variance: q²/12, as for a uniform error of ±q/2. */
function storageWarning({ normalizer: { numerics }, report: { scenario } }: Subject): string | null {
  const { storage } = scenario;
  if (storage === "auto" || !isHalf(storage) || numerics.worstConditioned === null) return null;
  const { mean, std } = numerics.worstConditioned;
  const step = stepAt(mean, machineEpsilon(storage));
  const added = step ** 2 / 12;
  if (!(added >= notable * std ** 2) || mean === 0) return null;
  return (
    `${storage} holds numbers near ${mean.toPrecision(3)} in steps of ${step}, which add about ${added.toPrecision(2)} ` +
    `to a variance (it is ${(std ** 2).toPrecision(2)} as stored): no algorithm repairs it`
  );
}

/** Distance between the numbers of a format around a value. */
function stepAt(value: number, machineEpsilon: number): number {
  let binade = 1;
  while (binade * 2 <= Math.abs(value)) binade *= 2;
  while (binade > Math.abs(value)) binade /= 2;
  return machineEpsilon * binade;
}

/** A mean that travels in a half format is off by up to u·|mean|, and E[x²] by as much of itself. */
function payloadWarning({ normalizer, spec, report: { scenario } }: Subject): string | null {
  const { payload } = scenario;
  const { numerics, communication } = normalizer;
  if (payload === "auto" || !isHalf(payload) || communication.forward.messages === 0) return null;
  if (numerics.worstConditioned === null) return null;
  const { mean, std } = numerics.worstConditioned;
  const off = (unitRoundoff(payload) * Math.abs(mean)) / std;
  if (!(off >= notable)) return null;
  const merge = "implementation" in spec ? implementations[spec.implementation].merge : null;
  const sendsSquares = merge?.by === "mean-square";
  if (sendsSquares && merge.of === "shiftedSum") return null;
  const squares = `, and E[x²] by ${formatPercent((off * Math.abs(mean)) / std)} of the variance`;
  return (
    `payloads travel as ${payload}: a mean of ${mean.toPrecision(3)} is off by up to ${formatPercent(off)} of the standard ` +
    `deviation${sendsSquares ? squares : ""}`
  );
}
