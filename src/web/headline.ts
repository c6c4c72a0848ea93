import { findingOf } from "../report/finding.ts";
import { enumerate, formatBytes, formatPercent } from "../report/format.ts";
import type { NormalizerReport, Report } from "../report/report.ts";
import { type Contamination, reachedRanks } from "./contamination.ts";

/** Below this root mean square error outputs are those of the whole batch: what float32 rounding explains. */
const rounding = 3e-5;

/** The title of the page: what the run found, in a line or two. */
export function headlineOf(report: Report, contamination: readonly Contamination[]): string {
  if (report.scenario.training !== null) return findingOf(report);
  const reached = contamination.filter((it) => reachedRanks(it).length > 0);
  return reached.length > 0 ? spreadHeadline(contamination) : costHeadline(report);
}

function spreadHeadline(contamination: readonly Contamination[]): string {
  const worldSize = contamination[0]!.outputShares.length;
  const counts = new Map<number, string[]>();
  for (const it of contamination) {
    const count = reachedRanks(it).length;
    counts.set(count, [...(counts.get(count) ?? []), it.normalizer]);
  }
  const clauses = [...counts]
    .toSorted(([a], [b]) => b - a)
    .map(([count, names], index) => {
      const ranks = count === worldSize ? `all ${worldSize}` : `${count}`;
      return `${ranks}${index === 0 ? " ranks" : ""} through ${enumerate(names)}`;
    });
  return `What is not finite reaches ${clauses.join(", ")}.`;
}

function costHeadline({ normalizers, scenario }: Report): string {
  const errorOf = ({ divergence }: NormalizerReport): number => Math.sqrt(divergence.outputMse.mean ?? 0);
  const sends = ({ communication }: NormalizerReport): boolean => communication.total.messages > 0;
  const bytesOf = ({ communication }: NormalizerReport): string =>
    formatBytes(communication.total.sentBytesPerRank / scenario.trainingSteps);
  const [worst] = normalizers.filter((it) => it.group !== null).toSorted((a, b) => errorOf(b) - errorOf(a));
  const clauses: string[] = [];
  if (worst !== undefined && errorOf(worst) > rounding)
    clauses.push(`${worst.name} is ${formatPercent(errorOf(worst))} off the whole batch`);
  const [remedy] = normalizers
    .filter((it) => sends(it) && it.group !== null && errorOf(it) <= rounding)
    .toSorted((a, b) => a.communication.total.modelSeconds - b.communication.total.modelSeconds);
  if (remedy !== undefined)
    clauses.push(`${remedy.name} agrees with it for ${bytesOf(remedy)} from each rank`);
  const sharded = normalizers.filter((it) => sends(it) && it.group === null);
  if (sharded.length > 0)
    clauses.push(`${enumerate(sharded.map((it) => `${it.name} sends ${bytesOf(it)}`))} from each rank`);
  const silent = normalizers.filter((it) => !sends(it) && it.group === null).map(({ name }) => name);
  if (silent.length > 0)
    clauses.push(`${enumerate(silent)} ${silent.length === 1 ? "sends" : "send"} nothing`);
  if (clauses.length === 0) return "Every rank has the statistics of the whole batch.";
  const text = clauses.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
