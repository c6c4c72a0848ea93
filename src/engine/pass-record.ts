import { assert } from "../assert.ts";
import { countSchedule } from "../collectives/count.ts";
import type { LedgerEntry } from "../collectives/ledger.ts";
import type { Normalizer } from "../normalizers/operator.ts";
import { bytesPerElement } from "../scenario/microbatch.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import type { Catalogue } from "./catalogue.ts";
import { logChannelStatistics, logOutputs, logTokenStatistics, rankDivergence } from "./divergence-log.ts";
import type { PassResult } from "./pass-result.ts";
import type { CollectiveRecord, NormalizerRecord } from "./simulation.ts";
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
  trainingStep: number,
  around: Surroundings,
): void {
  const results = [...unordered].sort((a, b) => a.rank - b.rank);
  const { ranks, whole, workload } = around;
  const spansRanks = normalizer.reduces.includes("samples");
  recordCollectives(record, normalizer, results, trainingStep, around);
  recordNumerics(record, results, ranks, spansRanks);
  const counts = results.map(({ count }) => count);
  if (spansRanks) logChannelStatistics(record.divergence, record.groups, ranks, counts, whole);
  else {
    for (const [rank, views] of ranks.entries()) {
      logTokenStatistics(record.divergence, views, tokensOf(views), counts[rank]!);
    }
  }
  logOutputs(record.divergence, ranks, whole.count[0]!, workload.scenario.backward);
  record.groupCounts = spansRanks
    ? record.groups.map((group) => counts[group.ranks[0]!]!)
    : [workload.channels];
  record.perRank = ranks.map((views, rank) => ({
    ...rankDivergence(views, spansRanks, counts[rank]!, whole),
    values: views.localCount[0]!,
  }));
}

const tokensOf = ({ extent }: RankViews): number => extent.samples * extent.positions;

/** Sort ledger entries into collectives, and hold every one against its schedule: what is priced is what ran. */
function recordCollectives(
  record: NormalizerRecord,
  normalizer: Normalizer,
  results: readonly PassResult[],
  trainingStep: number,
  { workload, catalogue }: Surroundings,
): void {
  const shapes = normalizer
    .collectives(workload.channels)
    .filter(({ pass }) => pass === "forward" || workload.scenario.backward);
  for (const group of record.groups) {
    if (group.ranks.length === 1) {
      assert(
        results[group.ranks[0]!]!.ledger.length === 0,
        `rank ${group.ranks[0]} of a group of one sent something`,
      );
      continue;
    }
    for (const [index, shape] of shapes.entries()) {
      const entries = group.ranks.map((rank) => results[rank]!.ledger[index]!);
      const { schedule } = catalogue.plan(shape, group.ranks.length);
      const elementBytes = shape.valuesPerElement * bytesPerElement(workload.storage);
      checkAgainstSchedule({ trainingStep, shape, group, entries }, countSchedule(schedule), elementBytes);
      record.collectives.push({ trainingStep, shape, group, entries });
    }
  }
}

function checkAgainstSchedule(
  { shape, group, entries }: CollectiveRecord,
  count: ReturnType<typeof countSchedule>,
  elementBytes: number,
): void {
  const total = (of: (entry: LedgerEntry) => number): number =>
    entries.reduce((sum, entry) => sum + of(entry), 0);
  const name = `${shape.operation} of group ${group.index}`;
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

function recordNumerics(
  { numerics, groups, spec }: NormalizerRecord,
  results: readonly PassResult[],
  ranks: readonly RankViews[],
  spansRanks: boolean,
): void {
  for (const { nonFinite } of results) numerics.nonFinite += nonFinite;
  const constant = (views: RankViews, sets: number): number => {
    let found = 0;
    for (let set = 0; set < sets; set++) {
      if (!spansRanks && views.mask !== null && views.mask[set] === 0) continue;
      if (views.used.m2[set] === 0) found++;
    }
    return found;
  };
  if (!spansRanks) {
    for (const views of ranks) numerics.constantSets += constant(views, tokensOf(views));
    return;
  }
  assert(spec.type === "batch-norm", `${spec.type} has no groups of channels`);
  for (const group of groups) {
    const { count, clampedVariances } = results[group.ranks[0]!]!;
    numerics.clampedVariances += clampedVariances;
    if (count === 0) continue;
    if (count === 1) numerics.singleValueGroups++;
    numerics.constantSets += constant(ranks[group.ranks[0]!]!, ranks[group.ranks[0]!]!.extent.channels);
  }
}
