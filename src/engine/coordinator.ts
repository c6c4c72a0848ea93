import { bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import { groupsOf } from "../normalizers/group.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { layoutOf } from "../scenario/mesh.ts";
import { createArena, type Loaded } from "./arena.ts";
import type { RankViews } from "./arena-views.ts";
import { callAll } from "./call-all.ts";
import { explainFailure } from "./diagnosis.ts";
import { newDivergenceEntries } from "./divergence-log.ts";
import { logBuffers, logHeldOut, newEvaluationLog } from "./evaluation-log.ts";
import { newExactness } from "./exactness.ts";
import { everything, resultsOnly } from "./held.ts";
import type { Host, RemoteThread } from "./host.ts";
import { refuseIdleFaults } from "./idle-faults.ts";
import { microbatchCounts, microstepOf } from "./microstep.ts";
import { newNumerics } from "./numerics-log.ts";
import { exchangeRecords, recordPass } from "./pass-record.ts";
import { placeDataRanks, placeRanks } from "./placement.ts";
import type { NormalizerRecord, Simulation } from "./simulation.ts";
import { lookMilliseconds } from "./watchdog.ts";
import { mergeWholeBatch } from "./whole-batch.ts";
import type { Workload } from "./workload.ts";

/** A normaliser's results of one microbatch, still in the ranks' memory: copy what should outlive the call. */
export interface CompletedPass {
  readonly trainingStep: number;
  /** Whether this was the last microbatch of the training step, whose dWeight and dBias are the step's. */
  readonly isLastOfStep: boolean;
  readonly normalizer: number;
  readonly ranks: readonly RankViews[];
}

export interface SimulateOptions {
  /** At most this many threads; default: as many as the host thinks useful. */
  readonly threads?: number;
  /** Arrays or moments that files gave; what is null the ranks make. */
  readonly loaded?: Loaded;
  /** Called before every pass. */
  readonly onProgress?: (done: number, total: number, what: string) => void;
  /** Called after every pass, before the arrays are used again. */
  readonly onPass?: (pass: CompletedPass) => void;
}

/**
 * Run a scenario on a host and return what was measured.
 *
 * The coordinator lays out memory, starts the threads and, between passes, merges the observations;
 * it never touches a message.
 *
 * @throws ScenarioError if the data do not fit one memory; RankError if a rank fails.
 */
export async function runWorkload(
  workload: Workload,
  host: Host,
  options: SimulateOptions = {},
): Promise<Simulation> {
  const run = layOut(workload, host, options);
  const { control, setups } = run;
  try {
    const threads = await host.start(setups, control, workload.scenario.deadlineSeconds);
    if (workload.trainingNeeds !== null) {
      const { runTraining } = await import("./training-run.ts");
      await runTraining(run, threads, host, options.onProgress ?? (() => {}));
    } else {
      await runSteps(run, threads, host, options);
      if (workload.scenario.evaluation !== undefined) await evaluate(run, threads);
    }
  } catch (error) {
    throw explainFailure(error, control, workload.scenario);
  } finally {
    control.abort();
    await host.close();
  }
  const awaitedSeconds = workload.samples.map(
    (_, rank) => (control.calls.awaitedLooksOf(rank) * lookMilliseconds) / 1000,
  );
  return { workload, normalizers: run.records, awaitedSeconds };
}

type Run = ReturnType<typeof layOut>;

function layOut(workload: Workload, host: Host, { threads, loaded }: SimulateOptions) {
  const most = Math.min(threads ?? host.threadsMaximum, host.threadsMaximum);
  const { scenario, worldSize } = workload;
  const blocks = host.isSpread === true ? placeDataRanks(scenario.mesh, most) : placeRanks(worldSize, most);
  refuseIdleFaults(workload);
  const arena =
    host.isSpread === true
      ? createArena(workload, blocks, resultsOnly(workload))
      : createArena(workload, blocks, everything(workload), loaded);
  const { layouts, plan, memory } = arena;
  return {
    ...arena,
    workload,
    ranks: layouts.get("sharded") ?? [],
    /** Per normaliser: all ranks, in its layout. */
    ranksOfNormalizer: scenario.normalizers.map((spec) => layouts.get(layoutOf(spec))!),
    setups: blocks.map((_, thread) => ({ workload, plan, memory, thread })),
    normalizers: scenario.normalizers.map(createNormalizer),
    records: scenario.normalizers.map((spec) => newRecord(spec, workload)),
  };
}

function newRecord(spec: NormalizerRecord["spec"], workload: Workload): NormalizerRecord {
  const { mesh, cluster } = workload.scenario;
  const groups = groupsOf(spec, mesh, cluster.gpusPerNode);
  const pools = "implementation" in spec && groups.some(({ ranks }) => ranks.length > 1);
  return {
    spec,
    groups,
    exactness: pools ? newExactness() : null,
    collectives: [],
    divergence: newDivergenceEntries(),
    numerics: newNumerics(),
    perRank: [],
    groupCounts: [],
    weightGradients: null,
    evaluation: newEvaluationLog(spec, workload),
    exchanges: [],
    wallSeconds: 0,
    training: null,
  };
}

async function prepare(run: Run, threads: readonly RemoteThread[], microbatch: number): Promise<void> {
  run.loadMoments(microbatch);
  await callAll(threads, run.control, (thread) => thread.prepare(microbatch));
}

async function runSteps(
  run: Run,
  threads: readonly RemoteThread[],
  host: Host,
  options: SimulateOptions,
): Promise<void> {
  const { scenario } = run.workload;
  const microbatches = microbatchCounts(scenario).training;
  const total = microbatches * scenario.normalizers.length;
  let done = 0;
  for (let microbatch = 0; microbatch < microbatches; microbatch++) {
    const microstep = microstepOf(microbatch, scenario);
    options.onProgress?.(done, total, "making microbatches");
    await prepare(run, threads, microbatch);
    mergeWholeBatch(run.ranks, run.whole);
    for (const [index, record] of run.records.entries()) {
      options.onProgress?.(done++, total, record.spec.name);
      const begun = host.now();
      const results = await callAll(threads, run.control, (thread) => thread.pass(index, microbatch));
      record.wallSeconds += host.now() - begun;
      const around = { ...run, ranks: run.ranksOfNormalizer[index]! };
      recordPass(record, run.normalizers[index]!, results.flat(), microstep, around);
      const { trainingStep, isLastOfStep } = microstep;
      options.onPass?.({ trainingStep, isLastOfStep, normalizer: index, ranks: around.ranks });
    }
  }
}

/** After the last training step: draw for precise statistics, exchange running statistics, draw what is held out. */
async function evaluate(run: Run, threads: readonly RemoteThread[]): Promise<void> {
  const { control } = run;
  const { scenario } = run.workload;
  const { training, precise, heldOut } = microbatchCounts(scenario);
  const first = training + precise;
  for (let microbatch = training; microbatch < first; microbatch++) await prepare(run, threads, microbatch);
  for (const [index, { spec, evaluation, exchanges }] of run.records.entries()) {
    if (evaluation === null) continue;
    const exchange = bufferExchangeOf(spec);
    if (exchange !== null) {
      const results = await callAll(threads, control, (thread) => thread.exchange(index, training));
      exchanges.push(...exchangeRecords(exchange, results.flat(), scenario.trainingSteps, run));
    }
    logBuffers(evaluation, index, run.ranks);
  }
  for (let microbatch = first; microbatch < first + heldOut; microbatch++) {
    await prepare(run, threads, microbatch);
    mergeWholeBatch(run.ranks, run.whole);
    for (const { evaluation } of run.records) if (evaluation !== null) logHeldOut(evaluation, run.whole);
  }
}
