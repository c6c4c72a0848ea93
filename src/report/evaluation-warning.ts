import { formatPercent } from "./format.ts";
import type { RunningStatisticsReport } from "./running-statistics.ts";

/** A larger share of x̂'s root mean square is worth a line: √(1.5/n), what statistics of n = 150 values leave, is 10 %. */
const noteworthyGap = 0.1;

/** A warning where the worst rank's evaluation is off; null where none is, or there was no evaluation. */
export function evaluationWarning(running: RunningStatisticsReport | null): string | null {
  if (running === null) return null;
  const { populationGap, meanLag, meanSpread, outputVariance } = running;
  const { max, perRank } = populationGap;
  if (max === null) return "its running statistics are not finite";
  if (max <= noteworthyGap) return null;
  const figure = (value: number | null): string => String(Number((value ?? Number.NaN).toPrecision(2)));
  return (
    `in evaluation rank ${perRank.indexOf(max)}'s outputs are ${formatPercent(max)} off (running means lag ` +
    `${figure(meanLag.mean)} σ and differ by ${figure(meanSpread.mean)} σ between ranks; x̂ has variance ${figure(outputVariance.mean)})`
  );
}
