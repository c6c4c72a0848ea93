import { assert } from "../assert.ts";
import { countSchedule } from "../collectives/count.ts";
import type { LedgerEntry } from "../collectives/ledger.ts";
import { type BufferExchange, bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import { dataParallelGroups, type Group } from "../normalizers/group.ts";
import { implementations } from "../normalizers/implementations.ts";
import type { CollectiveShape, Normalizer } from "../normalizers/operator.ts";
import { layoutOf } from "../scenario/mesh.ts";
import { bytesPerValue, type WireFormat } from "../scenario/number-format.ts";
import { extentOf } from "./arena-plan.ts";
import { channelsOfRank, type RankViews, type WholeViews } from "./arena-views.ts";
import type { Catalogue } from "./catalogue.ts";
import {
  logChannelStatistics,
  logOutputs,
  logResidentStatistics,
  rankDivergence,
  valuesOfGroup,
} from "./divergence-log.ts";
import { logTrainingPass } from "./evaluation-log.ts";
import { logExactness } from "./exactness.ts";
import type { Microstep } from "./microstep.ts";
import { logNumerics } from "./numerics-log.ts";
import type { ExchangeResult, PassResult } from "./pass-result.ts";
import type { CollectiveRecord, NormalizerRecord } from "./simulation.ts";
import { weightGradientsOf } from "./weight-gradients.ts";
import { aboutZero } from "./whole-batch.ts";
import type { Workload } from "./workload.ts";

interface Surroundings {
  readonly workload: Workload;
  readonly catalogue: Catalogue;
  readonly ranks: readonly RankViews[];
  readonly whole: WholeViews;
}

/** Add what the ranks report of a pass to the normaliser's record. */
export function recordPass(
  record: NormalizerRecord,
  normalizer: Normalizer,
  unordered: readonly PassResult[],
  microstep: Microstep,
  around: Surroundings,
): void {
  const results = [...unordered].sort((a, b) => a.rank - b.rank);
  const { ranks, workload } = around;
  const spansRanks = normalizer.reduces.includes("samples");
  const whole = normalizer.centres ? around.whole : aboutZero(around.whole);
  recordCollectives(record, normalizer, results, microstep, around);
  logNumerics(record, normalizer, results, around);
  if (record.evaluation !== null) logTrainingPass(record.evaluation, ranks, whole, microstep);
  const setCounts = results.map(({ setCount }) => setCount);
  if (spansRanks) logChannelStatistics(record.divergence, record.groups, ranks, setCounts, whole);
  else {
    for (const [rank, views] of ranks.entries())
      logResidentStatistics(record.divergence, views, setCounts[rank]!);
  }
  logOutputs(record.divergence, ranks, whole, workload.scenario.backward);
  recordExactness(record, around);
  record.groupCounts = spansRanks
    ? record.groups.flatMap(({ ranks: members }) => groupCounts(ranks, members, setCounts[members[0]!]!))
    : (countsOfPartialSets(record, workload) ?? [largestCount(ranks, setCounts)]);
  if (workload.scenario.backward)
    record.weightGradients = weightGradientsOf(record.spec, workload.scenario.mesh, ranks);
  record.perRank = ranks.map((views, rank) => ({
    ...rankDivergence(views, setCounts[rank]!, spansRanks ? channelsOfRank(whole, views) : null),
    values: views.localCount[0]!,
  }));
}

function recordExactness(
  { exactness, groups, spec }: NormalizerRecord,
  { ranks, whole, workload: { scenario } }: Surroundings,
): void {
  if (exactness === null || !("implementation" in spec)) return;
  const { runningVariance } = implementations[spec.implementation];
  const weight = whole.weight[scenario.normalizers.indexOf(spec)]!;
  const { backward } = scenario;
  logExactness(exactness, { groups, ranks, weight, epsilon: spec.epsilon, backward, runningVariance });
}

/** Values of the whole batch's first channel, which stands for all, in a group, or in each slice of a rank alone. */
function groupCounts(ranks: readonly RankViews[], members: readonly number[], setCount: number): number[] {
  const { used, extent, firstChannel } = ranks[members[0]!]!;
  if (firstChannel > 0) return [];
  if (members.length > 1) return [valuesOfGroup(ranks, members)];
  return Array.from(used.count.subarray(0, setCount)).filter((_, set) => set % extent.channels === 0);
}

/**
 * Channels behind the statistics of each tensor rank, where ranks take only their own: tensor ranks are the
 * groups then. The closed forms are for groups that centre; shards of unequal width have none here.
 */
function countsOfPartialSets({ spec }: NormalizerRecord, workload: Workload): number[] | null {
  if (!("fault" in spec) || spec.fault !== "rank-local-statistics") return null;
  const { tensor } = workload.scenario.mesh;
  const isEven = workload.channels % tensor === 0;
  return spec.type === "layer-norm" && isEven ? Array(tensor).fill(workload.channels / tensor) : [];
}

/** Values of the largest index set. */
function largestCount(ranks: readonly RankViews[], setCounts: readonly number[]): number {
  let largest = 0;
  for (const [rank, { used }] of ranks.entries()) {
    for (let set = 0; set < setCounts[rank]!; set++) largest = Math.max(largest, used.count[set]!);
  }
  return largest;
}

/** Sort the ledger entries of a pass into collectives. */
function recordCollectives(
  record: NormalizerRecord,
  normalizer: Normalizer,
  results: readonly PassResult[],
  { trainingStep, isFirstOfStep }: Microstep,
  around: Surroundings,
): void {
  const { workload } = around;
  const exchange = bufferExchangeOf(record.spec);
  const isExchanged = isFirstOfStep && exchange?.everyStep === true;
  if (isExchanged) record.collectives.push(...exchangeRecords(exchange, results, trainingStep, around));
  // One rank alone enters it too, and sends nothing.
  const exchanged = isExchanged ? 1 : 0;
  for (const group of record.groups) {
    const extent = extentOf(workload, group.ranks[0]!, layoutOf(record.spec));
    const shapes = normalizer
      .collectives(extent, { setCount: results[group.ranks[0]!]!.setCount, isMasked: workload.isMasked })
      .filter(({ pass }) => pass === "forward" || workload.scenario.backward);
    const ledgers = group.ranks.map((rank) => results[rank]!.ledger.slice(exchanged));
    record.collectives.push(...collectivesOf(group, shapes, ledgers, trainingStep, around));
  }
}

/** The exchange of running statistics that ranks reported first, in the order of data parallel groups. */
export function exchangeRecords(
  exchange: BufferExchange,
  unordered: readonly ExchangeResult[],
  trainingStep: number,
  around: Pick<Surroundings, "workload" | "catalogue">,
): CollectiveRecord[] {
  const { workload } = around;
  const results = [...unordered].sort((a, b) => a.rank - b.rank);
  return dataParallelGroups(workload.scenario.mesh).flatMap((group) => {
    if (group.ranks.length === 1) return [];
    const { channels } = extentOf(workload, group.ranks[0]!, "sharded");
    const shape = exchange.collective(channels, workload.storage);
    const ledgers = group.ranks.map((rank) => results[rank]!.ledger.slice(0, 1));
    return collectivesOf(group, [shape], ledgers, trainingStep, around);
  });
}

/**
 * The collectives of one group, each held against its schedule: what is priced is what ran.
 *
 * @param shapes what the group was to do, in order.
 * @param ledgers one per rank of the group: exactly what it did.
 */
export function collectivesOf(
  group: Group,
  shapes: readonly CollectiveShape[],
  ledgers: readonly (readonly LedgerEntry[])[],
  trainingStep: number,
  { workload, catalogue }: Pick<Surroundings, "workload" | "catalogue">,
): CollectiveRecord[] {
  const expected = group.ranks.length === 1 ? [] : shapes;
  for (const [index, ledger] of ledgers.entries()) {
    const what = `rank ${group.ranks[index]} of a group of ${group.ranks.length}`;
    assert(
      ledger.length === expected.length,
      `${what} did ${ledger.length} collectives of ${expected.length}`,
    );
  }
  return expected.map((shape, index) => {
    const entries = ledgers.map((ledger) => ledger[index]!);
    const { schedule } = catalogue.plan(shape, group.ranks.length);
    const format = shape.format ?? workload.payload;
    const elementBytes = shape.valuesPerElement * bytesPerValue(format);
    const collective = { trainingStep, shape, schedule, elementBytes, group, entries };
    checkAgainstSchedule(collective, format);
    return collective;
  });
}

function checkAgainstSchedule(
  { shape, schedule, elementBytes, group, entries }: CollectiveRecord,
  format: WireFormat,
): void {
  const count = countSchedule(schedule);
  const total = (of: (entry: LedgerEntry) => number): number =>
    entries.reduce((sum, entry) => sum + of(entry), 0);
  const name = `${shape.operation} of group ${group.index}`;
  for (const entry of entries)
    assert(entry.format === format, `${name} travelled as ${entry.format} where it was to be ${format}`);
  const sent = total(({ bytesSent }) => bytesSent);
  const received = total(({ bytesReceived }) => bytesReceived);
  assert(
    total(({ messagesSent }) => messagesSent) === count.messages,
    `${name} did not send its ${count.messages} messages`,
  );
  assert(
    sent === count.elements * elementBytes,
    `${name} sent ${sent} bytes, its schedule ${count.elements * elementBytes}`,
  );
  assert(sent === received, `${name} sent ${sent} bytes and received ${received}`);
}
