import type { Breakdown } from "../cost/estimate/breakdown.ts";
import type { Estimate } from "../cost/estimate/estimate.ts";
import { formatSeconds, plural } from "./format.ts";
import type { Overview } from "./overview.ts";

/** An estimate for a person: tables and the sentences around them. */
export interface EstimateSummary {
  readonly heading: string;
  /** Steps with no, local and synchronised BatchNorm. */
  readonly steps: Overview;
  /** Where the overhead goes. */
  readonly breakdown: Overview;
  /** Cost against divergence by group size. */
  readonly groups: Overview;
  readonly advice: string;
  readonly notes: readonly string[];
}

/** What takes time beyond local BatchNorm, in words. */
export const causeNames: Readonly<Record<keyof Breakdown, string>> = {
  kernels: "kernels: separate ones, copies, merging",
  wire: "wire: the collectives",
  launch: "launch: the host issues more",
  hostSync: "host sync: launches wait for the device",
  skew: "skew: waiting for the slowest rank",
};

/** Lay out an estimate. */
export function summaryOf(estimate: Estimate): EstimateSummary {
  const { model, cluster, gpus, microbatch, precision, implementation, layers } = estimate;
  return {
    heading:
      `${model} on ${cluster}: ${plural(gpus, "GPU")}, ${plural(microbatch, "sample")} each, ${precision}, ` +
      `${implementation}, ${plural(layers.length, "BatchNorm")}`,
    steps: stepsOf(estimate),
    breakdown: breakdownTable(estimate),
    groups: groupsTable(estimate),
    advice: estimate.advice,
    notes: estimate.notes,
  };
}

function stepsOf({ noBatchNorm, localBatchNorm, syncBatchNorm }: Estimate): Overview {
  const { group, stepSeconds, lowSeconds, highSeconds, overheadPercent } = syncBatchNorm;
  const of = (seconds: number): string => percent(100 * (seconds / localBatchNorm.stepSeconds - 1));
  return {
    heading: "A training step",
    columns: columnsOf(["BatchNorm", "step", "overhead", "band of the step", "band of the overhead"]),
    rows: [
      ["none", formatSeconds(noBatchNorm.stepSeconds), of(noBatchNorm.stepSeconds), "", ""],
      ["local", formatSeconds(localBatchNorm.stepSeconds), percent(0), "", ""],
      [
        `synchronised over ${group}`,
        formatSeconds(stepSeconds),
        percent(overheadPercent),
        `${formatSeconds(lowSeconds)} to ${formatSeconds(highSeconds)}`,
        `${of(lowSeconds)} to ${of(highSeconds)}`,
      ],
    ],
  };
}

function breakdownTable({ syncBatchNorm, baselineStepSeconds }: Estimate): Overview {
  const causes = Object.keys(causeNames) as (keyof Breakdown)[];
  return {
    heading: "Where the overhead goes",
    columns: columnsOf(["cause", "exposed", "of the step", "hidden behind other work"]),
    rows: causes.map((cause) => {
      const { exposedSeconds, hiddenSeconds } = syncBatchNorm.breakdown[cause];
      const share = percent((100 * exposedSeconds) / baselineStepSeconds);
      return [causeNames[cause], formatSeconds(exposedSeconds), share, formatSeconds(hiddenSeconds)];
    }),
  };
}

function groupsTable({ groups }: Estimate): Overview {
  return {
    heading: "Cost against divergence",
    columns: columnsOf(["group", "step", "overhead", "y error, i.i.d.", ""]),
    rows: groups.map(({ group, label, stepSeconds, overheadPercent, outputMse }) => [
      `${group}`,
      formatSeconds(stepSeconds),
      percent(overheadPercent),
      percent(100 * Math.sqrt(outputMse)),
      label ?? "",
    ]),
  };
}

function columnsOf(titles: readonly string[]): Overview["columns"] {
  return titles.map((title, index) => ({ title, isNumeric: index > 0 && title !== "", dispensability: 0 }));
}

function percent(value: number): string {
  return `${String(Number(value.toPrecision(2)))} %`;
}
