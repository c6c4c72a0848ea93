import { faultClauses, faultOf } from "./fault-notes.ts";
import { enumerate, formatBytes, formatPercent, formatSeconds, plural } from "./format.ts";
import type { NormalizerReport, Report } from "./report.ts";
import { trainingFinding } from "./training-overview.ts";

/** Below this mean squared output error a normaliser agrees with the whole batch: float32 rounding gives 1e-15 to 1e-10. */
const agreementMse = 1e-9;
/** How many times the i.i.d. expectation the error must be before the data are called different between ranks. */
const excessFactor = 1.5;

/** One sentence: what the numbers mean for this scenario. */
export function findingOf(report: Report): string {
  if (report.scenario.training !== null) return trainingFinding(report);
  const clauses = [
    brokenClause(report),
    worstClause(report),
    remedyClause(report),
    silentClause(report),
    ...faultClauses(report),
  ].filter((clause) => clause !== null);
  const sentence = clauses.join("; ");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

const outputMse = ({ divergence }: NormalizerReport): number =>
  divergence.outputMse.mean ?? Number.POSITIVE_INFINITY;

const agrees = (normalizer: NormalizerReport): boolean => outputMse(normalizer) < agreementMse;

const sends = ({ communication }: NormalizerReport): boolean => communication.total.messages > 0;

function brokenClause({ normalizers }: Report): string | null {
  const broken = normalizers.filter(({ divergence }) => divergence.outputMse.mean === null);
  if (broken.length === 0) return null;
  return `${enumerate(broken.map(({ name }) => name))} produced values that are not finite`;
}

function worstClause({ normalizers }: Report): string | null {
  const [worst] = normalizers
    .filter((n) => n.group !== null && Number.isFinite(outputMse(n)) && !agrees(n))
    .sort((a, b) => outputMse(b) - outputMse(a));
  if (worst === undefined) return null;
  const { outputMse: error } = worst.divergence;
  const mean = outputMse(worst);
  const observed = `${worst.name}'s outputs are ${formatPercent(Math.sqrt(mean))} off those of the whole batch`;
  const { reason, outputMse: ownGroups } = worst.exactness ?? {};
  if (reason && ownGroups && ownGroups > mean / 2) return `${observed}, because ${reason}`;
  if (error.expected === null) return observed;
  if (error.expected === 0) return `${observed}, although it pools all of it: its arithmetic is to blame`;
  const expected = formatPercent(Math.sqrt(error.expected));
  const ratio = mean / error.expected;
  if (ratio > excessFactor)
    return `${observed}, against ${expected} for i.i.d. data: ranks hold different data, or values that depend on one another`;
  if (ratio < 1 / excessFactor) return `${observed}, less than the ${expected} of i.i.d. Gaussian data`;
  return `${observed}, as much as sampling alone explains (${expected})`;
}

/** The cheapest normaliser that pays for agreement. */
function remedyClause(report: Report): string | null {
  const { normalizers, scenario } = report;
  const paid = normalizers.filter(
    (n) => sends(n) && agrees(n) && faultOf(report, n) === undefined && n.exactness?.isExact !== false,
  );
  const [cheapest] = paid.sort(
    (a, b) => a.communication.total.modelSeconds - b.communication.total.modelSeconds,
  );
  if (cheapest === undefined) return null;
  const { total } = cheapest.communication;
  const steps = scenario.trainingSteps;
  return (
    `${cheapest.name} agrees with the whole batch and pays ${formatBytes(total.sentBytesPerRank / steps)} per rank ` +
    `in ${plural(total.collectives / steps, "collective")}, ${formatSeconds(total.modelSeconds / steps)} of wire time ` +
    `on ${scenario.cluster.name}, for each layer and step`
  );
}

/** Normalisers that agree and send nothing although there is somebody to send to. */
function silentClause(report: Report): string | null {
  const isSilent = (n: NormalizerReport): boolean => !sends(n) && agrees(n) && n.group === null;
  const silent = report.normalizers.filter((n) => isSilent(n) && faultOf(report, n) === undefined);
  if (silent.length === 0) return null;
  const names = enumerate(silent.map(({ name }) => name));
  const isToken = ({ type }: NormalizerReport): boolean => type === "layer-norm" || type === "rms-norm";
  const what = silent.every(isToken) ? "token's features lie" : "sample lies";
  return `${names} ${silent.length === 1 ? "sends" : "send"} nothing, because each ${what} on one rank`;
}
