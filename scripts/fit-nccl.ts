// Fits the constants of the corrected NCCL model to the measured runs that are shipped, leaving out one site at
// a time for the bands, and writes src/cost/nccl/correction-constants.ts. Deterministic.
//   node --import tsx scripts/fit-nccl.ts
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Anatomy, anatomyOf } from "../src/cost/nccl/anatomy.ts";
import { correctedSeconds } from "../src/cost/nccl/correction.ts";
import {
  type CorrectionConstants,
  type CorrectionName,
  correctionParameters,
} from "../src/cost/nccl/correction-parameters.ts";
import { communicatorGroup } from "../src/cost/nccl/group.ts";
import { type MeasuredCase, measuredCollectives } from "../src/cost/nccl/measured/measurements.ts";
import { choose } from "../src/cost/nccl/tuner.ts";
import {
  type Band,
  type LeftOutErrors as Figure,
  settingOf,
  settings,
  sizeClass,
  sizeLimits,
} from "../src/cost/nccl/uncertainty.ts";
import { leastSquares, type RowGroup } from "./least-squares.ts";

const output = fileURLToPath(new URL("../src/cost/nccl/correction-constants.ts", import.meta.url));
const names = Object.keys(correctionParameters) as CorrectionName[];
const options = {
  spreads: names.map((name) => correctionParameters[name].spread),
  noise: 0.15,
  huber: 1,
  rounds: 60,
};
/** Every fit starts from the priors: from a fit to all rows, something of a left-out site would stay. */
const priorStart: readonly number[] = names.map(() => 0);
/** Rows of one run share what is peculiar to its site; a medium run is trusted half as far. */
const weights = { high: 1, medium: 0.4, low: 0 };
const sharedSpreads = { high: 0.1, medium: 0.2, low: 0 };
/** Large messages depend less on the site: they are bound by the wires. */
const sharedOfLarge = 0.6;
const smallBytes = 64 * 1024;
/** Quantiles of a dozen sites are too narrow for the next one: with this tail 80 % of left-out rows are inside. */
const tail = 0.075;

interface Row {
  readonly one: MeasuredCase;
  readonly bytes: number;
  readonly logSeconds: number;
  readonly anatomy: Anatomy;
}

function rowsOf(one: MeasuredCase): Row[] {
  const { cluster, nodes, gpusPerNode, ncclVersion, operation } = one.request;
  const group = communicatorGroup(cluster, nodes, gpusPerNode, ncclVersion);
  return one.points
    .filter(({ bytes }) => bytes >= 8 && bytes <= one.fittedBytesMaximum)
    .map(({ bytes, seconds }) => ({
      one,
      bytes,
      logSeconds: Math.log(seconds),
      anatomy: anatomyOf(group, operation, choose(group, { ...one.request, bytes }), bytes),
    }));
}

function constantsOf(parameters: readonly number[]): CorrectionConstants {
  const entries = names.map((name, i) => [name, correctionParameters[name].prior * Math.exp(parameters[i]!)]);
  return Object.fromEntries(entries);
}

function logPrediction({ anatomy }: Row, constants: CorrectionConstants): number {
  return Math.log(correctedSeconds(anatomy, constants));
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function groupsOf(rows: readonly Row[]): RowGroup[] {
  const byKey = groupBy(rows, ({ one, bytes }) => `${one.name} ${bytes <= smallBytes}`);
  return [...byKey.values()].map((group) => {
    const [{ one, bytes }] = group as [Row];
    return {
      targets: group.map(({ logSeconds }) => logSeconds),
      weight: weights[one.trust],
      sharedSpread: sharedSpreads[one.trust] * (bytes <= smallBytes ? 1 : sharedOfLarge),
      predict: (parameters) => {
        const constants = constantsOf(parameters);
        return group.map((row) => logPrediction(row, constants));
      },
    };
  });
}

interface Residual {
  readonly row: Row;
  /** ln(measured / predicted), predicted without the row's site. */
  readonly log: number;
}

/** What every row is off by when its site was left out. */
function residualsWithoutSite(rows: readonly Row[], siteOf: (row: Row) => string): Residual[] {
  const sites = [...new Set(rows.map(siteOf))];
  return sites.flatMap((site) => {
    const others = groupsOf(rows.filter((row) => siteOf(row) !== site));
    const constants = constantsOf(leastSquares(others, priorStart, options));
    const own = rows.filter((row) => siteOf(row) === site);
    return own.map((row) => ({ row, log: row.logSeconds - logPrediction(row, constants) }));
  });
}

const settingOfRow = ({ one }: Row) => settingOf(one.request.cluster, one.request.nodes);

/** The 80 % band of one setting and size class; every site counts as the root of its rows. */
function bandOf(residuals: readonly Residual[], setting: string, index: number): Band {
  const isClass = ({ row }: Residual) => sizeClass(row.bytes) === index;
  const own = residuals.filter((residual) => isClass(residual) && settingOfRow(residual.row) === setting);
  // A setting with few rows borrows from the others.
  const chosen = [
    ...own.map((residual) => ({ residual, share: 1 })),
    ...residuals.filter(isClass).map((residual) => ({ residual, share: 0.05 })),
  ];
  const rowsOfSite = new Map<string, number>();
  for (const { residual, share } of chosen)
    rowsOfSite.set(residual.row.one.site, (rowsOfSite.get(residual.row.one.site) ?? 0) + share);
  const weighted = chosen
    .map(({ residual, share }) => ({
      log: residual.log,
      weight: share / Math.sqrt(rowsOfSite.get(residual.row.one.site)!),
    }))
    .sort((a, b) => a.log - b.log);
  return { low: Math.exp(quantile(weighted, tail)), high: Math.exp(quantile(weighted, 1 - tail)) };
}

function quantile(
  sorted: readonly { readonly log: number; readonly weight: number }[],
  share: number,
): number {
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let reached = 0;
  for (const { log, weight } of sorted) {
    reached += weight;
    if (reached >= share * total) return log;
  }
  return sorted.at(-1)!.log;
}

/** How many rows the band holds when it, too, is made without the row's site. */
function coverageOf(residuals: readonly Residual[], isCounted: (row: Row) => boolean): number {
  const cache = new Map<string, Band>();
  const counted = residuals.filter(({ row }) => isCounted(row));
  const covered = counted.filter(({ row, log }) => {
    const key = `${row.one.site} ${settingOfRow(row)} ${sizeClass(row.bytes)}`;
    if (!cache.has(key)) {
      const others = residuals.filter((residual) => residual.row.one.site !== row.one.site);
      cache.set(key, bandOf(others, settingOfRow(row), sizeClass(row.bytes)));
    }
    const { low, high } = cache.get(key)!;
    return log >= Math.log(low) && log <= Math.log(high);
  });
  return covered.length / counted.length;
}

function medianError(residuals: readonly Residual[], isCounted: (row: Row) => boolean): number {
  const errors = residuals.filter(({ row }) => isCounted(row)).map(({ log }) => Math.abs(Math.expm1(-log)));
  return errors.sort((a, b) => a - b)[Math.floor(errors.length / 2)]!;
}

const digits = (value: number): string => String(Number(value.toPrecision(5)));

function moduleText(
  constants: CorrectionConstants,
  residuals: readonly Residual[],
  figures: readonly Figure[],
): string {
  const bands = settings.map((setting) => {
    const classes = [...sizeLimits, 0].map((_, index) => bandOf(residuals, setting, index));
    return `  ${/^\w+$/.test(setting) ? setting : `"${setting}"`}: [\n${classes.map(({ low, high }) => `    { low: ${digits(low)}, high: ${digits(high)} },\n`).join("")}  ],\n`;
  });
  return `import type { CorrectionConstants } from "./correction-parameters.ts";
import type { Bands, LeftOutErrors } from "./uncertainty.ts";

// Made by scripts/fit-nccl.ts from the measured runs: do not edit.

/** The constants of the corrected model, fitted to every run that is to be fitted. */
export const correctionConstants: CorrectionConstants = {
${names.map((name) => `  ${name}: ${digits(constants[name])},\n`).join("")}};

/**
 * Measured over predicted, predicted without the site, so that 80 % of left-out rows are inside; up to 32 KiB, 1 MiB,
 * 32 MiB and above.
 */
export const correctionBands: Bands = {
${bands.join("")}};

/** Shares: median errors and how often the band holds, each found without what it is tried on. */
export const leftOutErrors: readonly LeftOutErrors[] = [
${figures.map((figure) => `  ${JSON.stringify(figure)},\n`).join("")}];
`;
}

const rows = measuredCollectives()
  .filter(({ isFitted }) => isFitted)
  .flatMap(rowsOf);
const parameters = leastSquares(groupsOf(rows), priorStart, options);
const constants = constantsOf(parameters);
const bySite = residualsWithoutSite(rows, ({ one }) => one.site);
const byCluster = residualsWithoutSite(rows, ({ one }) => `${one.site} ${one.request.cluster.name}`);
const isAllReduce = ({ one }: Row) => one.request.operation === "all-reduce";
const isSmall = (row: Row) => isAllReduce(row) && row.bytes >= 512 && row.bytes <= 32768;
const families: readonly (readonly [string, (row: Row) => boolean])[] = [
  ["all-reduce 0.5-32 KiB", isSmall],
  ["all-reduce 0.5-32 KiB, high trust", (row) => isSmall(row) && row.one.trust === "high"],
  ["all-reduce, all sizes", isAllReduce],
  ["all-reduce, all sizes, high trust", (row) => isAllReduce(row) && row.one.trust === "high"],
  ["everything", () => true],
];
const inSample = rows.map((row) => ({ row, log: row.logSeconds - logPrediction(row, constants) }));
const rounded = (share: number) => Number(share.toFixed(3));
const figures = families.map(
  ([family, isCounted]): Figure => ({
    family,
    rows: rows.filter(isCounted).length,
    withoutSite: rounded(medianError(bySite, isCounted)),
    withoutCluster: rounded(medianError(byCluster, isCounted)),
    fitted: rounded(medianError(inSample, isCounted)),
    coverage: rounded(coverageOf(bySite, isCounted)),
  }),
);
writeFileSync(output, moduleText(constants, bySite, figures));
process.stdout.write(`${figures.map((figure) => JSON.stringify(figure)).join("\n")}\n`);
