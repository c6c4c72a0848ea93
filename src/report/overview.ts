import { ranksPerSet } from "../normalizers/axis-rule.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { layoutOf } from "../scenario/mesh.ts";
import type { NormalizerSpec, RankGroups } from "../scenario/scenario.ts";
import type { Summary } from "../statistics/summary.ts";
import { formatBytes, formatPercent, formatSeconds, plural } from "./format.ts";
import type { NormalizerReport, Report } from "./report.ts";
import { trainingColumns, trainingLegend } from "./training-overview.ts";

/** A column of the overview table. */
export interface Column {
  readonly title: string;
  readonly isNumeric: boolean;
  /** Columns with the highest number go first where the terminal is narrow; 0 always stays. */
  readonly dispensability: number;
}

/** The overview of a report: one row per normaliser, every figure with its unit. */
export interface Overview {
  readonly heading: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

type Cells = readonly (Column & { readonly cell: (n: NormalizerReport, report: Report) => string })[];

const commonColumns: Cells = [
  { title: "normaliser", isNumeric: false, dispensability: 0, cell: ({ name }) => name },
  { title: "pools over", isNumeric: false, dispensability: 3, cell: pooling },
  {
    title: "collectives",
    isNumeric: true,
    dispensability: 4,
    cell: perStep(({ collectives }) => String(collectives)),
  },
  {
    title: "sent per rank",
    isNumeric: true,
    dispensability: 1,
    cell: perStep(({ sentBytesPerRank }) => formatBytes(sentBytesPerRank)),
  },
  {
    title: "model time",
    isNumeric: true,
    dispensability: 2,
    cell: perStep(({ modelSeconds }) => formatSeconds(modelSeconds)),
  },
];

const passColumns: Cells = [
  {
    title: "y error",
    isNumeric: true,
    dispensability: 0,
    cell: ({ divergence }) => rms(divergence.outputMse),
  },
  {
    title: "i.i.d. gives",
    isNumeric: true,
    dispensability: 5,
    cell: ({ divergence }) => expectedRms(divergence.outputMse),
  },
  {
    title: "dx error",
    isNumeric: true,
    dispensability: 6,
    cell: ({ divergence }, { scenario }) =>
      scenario.backward ? angle(divergence.gradientCosine) : "not run",
  },
];

/** Only where the scenario has an evaluation. */
const evaluationColumn: Cells[number] = {
  title: "eval error",
  isNumeric: true,
  dispensability: 0,
  cell: ({ runningStatistics }) =>
    runningStatistics === null ? "none" : share(runningStatistics.populationGap.mean),
};

/** What a person reads first. */
export function overviewOf(report: Report): Overview {
  const cells = report.scenario.training === null ? passColumns : trainingColumns;
  const shown = [...commonColumns, ...cells, ...(isEvaluated(report) ? [evaluationColumn] : [])];
  return {
    heading: headingOf(report),
    columns: shown,
    rows: report.normalizers.map((normalizer) => shown.map(({ cell }) => cell(normalizer, report))),
  };
}

function isEvaluated({ scenario }: Report): boolean {
  return scenario.evaluation !== undefined;
}

/** What the columns mean, one line each; for the foot of the table. */
export function legendOf(report: Report): readonly string[] {
  const { cluster, training } = report.scenario;
  if (training !== null) return [...trainingLegend(report), modelTimeOf(cluster)];
  return [
    "y error: root mean square of y − y of the whole batch on one device; x̂ has root mean square 1.",
    "i.i.d. gives: the same in closed form for independent Gaussian data. dx error: √(2 − 2 cos) of dx, likewise.",
    modelTimeOf(cluster),
    ...(isEvaluated(report)
      ? [
          "eval error: root mean square of y − y with the right statistics, in evaluation mode on held-out data.",
        ]
      : []),
  ];
}

function modelTimeOf({ name }: Report["scenario"]["cluster"]): string {
  return `model time: α-β prediction for ${name}, per training step, wire only: no launches, no framework.`;
}

function headingOf({ scenario, normalizers }: Report): string {
  const ranks = normalizers[0]?.perRank ?? [];
  const values = ranks.map((rank) => rank.values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const range = least === most ? String(least) : `${least} to ${most}`;
  const { accumulation, storage, payload } = scenario;
  const count = trainingStepsOf(scenario);
  const counted = count === 1 && accumulation === 1 ? "" : `, ${plural(count, "training step")}`;
  const steps = accumulation === 1 ? counted : `${counted} of ${accumulation} microbatches`;
  const numbers = payload === storage ? storage : `${storage}, sent as ${payload}`;
  return `${scenario.name}: ${plural(ranks.length, "rank")}, ${range} values a channel each, ${numbers}${steps}, seed ${scenario.seed}`;
}

type ResidentType = Exclude<NormalizerSpec, { readonly group: RankGroups }>["type"];

/** What one statistic of a normaliser that pools over no ranks is taken over. */
const residentSets: Readonly<Record<ResidentType, string>> = {
  "layer-norm": "one token",
  "rms-norm": "one token",
  "group-norm": "channel group",
  "instance-norm": "one channel",
};

function pooling(normalizer: NormalizerReport, { scenario, normalizers }: Report): string {
  const { type, group, perRank, implementation } = normalizer;
  const spec = scenario.normalizers[normalizers.indexOf(normalizer)]!;
  const { reduces, channelGroups } = createNormalizer(spec);
  const isCut = layoutOf(spec) === "sharded";
  const sharing = isCut ? ranksPerSet(reduces, scenario.mesh, channelGroups) : 1;
  if (group === null) {
    const sets = residentSets[type as ResidentType];
    if ("fault" in spec && spec.fault === "rank-local-statistics") return "part of a token";
    return sharing === 1 ? sets : `${sets}, ${plural(sharing, "rank")}`;
  }
  if (spec.type === "batch-norm" && spec.virtualBatch !== undefined)
    return plural(spec.virtualBatch, "sample");
  const suffix = implementation === null || implementation === "pytorch" ? "" : `, ${implementation}`;
  return `${groupExtent(group, perRank.length, sharing, scenario.cluster.gpusPerNode)}${suffix}`;
}

function groupExtent(group: RankGroups, world: number, sharing: number, gpusPerNode: number): string {
  if (typeof group === "object") {
    const counts = group.map((ranks) => ranks.length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    return least === most ? plural(most, "rank") : `${least} to ${plural(most, "rank")}`;
  }
  if (group === "rank") return "1 rank";
  const size = group === "world" ? sharing : group === "node" ? Math.min(world, gpusPerNode) : group;
  return plural(size, "rank");
}

function trainingStepsOf({ training, trainingSteps }: Report["scenario"]): number {
  return training?.steps ?? trainingSteps;
}

function perStep(cell: (c: NormalizerReport["communication"]["total"]) => string) {
  return ({ communication: { total } }: NormalizerReport, { scenario }: Report): string => {
    const steps = trainingStepsOf(scenario);
    return cell({
      ...total,
      collectives: total.collectives / steps,
      sentBytesPerRank: total.sentBytesPerRank / steps,
      modelSeconds: total.modelSeconds / steps,
    });
  };
}

function rms({ mean }: Summary): string {
  return share(mean === null ? null : Math.sqrt(mean));
}

function share(rms: number | null): string {
  return rms === null ? "not finite" : formatPercent(rms);
}

function expectedRms({ expected }: Summary): string {
  return expected === null ? "no form" : formatPercent(Math.sqrt(expected));
}

/** Length of the difference of two unit vectors at this cosine; rounding can bring the cosine to 1 + 1e-16. */
function angle({ mean }: Summary): string {
  return share(mean === null ? null : Math.sqrt(Math.max(0, 2 - 2 * mean)));
}
