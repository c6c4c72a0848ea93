import type { KernelMemory } from "../kernels/wasm.ts";
import { worldOf } from "../normalizers/group.ts";
import type { Normalizer } from "../normalizers/operator.ts";
import type { LossSums } from "../training/layer.ts";
import type { Network } from "../training/network.ts";
import type { NumericEvents } from "../training/numeric-events.ts";
import type { ArenaPlan } from "./arena-plan.ts";
import { callAll } from "./call-all.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Control } from "./control.ts";
import type { Host, RemoteThread } from "./host.ts";
import { logTrainingNumerics } from "./numerics-log.ts";
import { collectivesOf } from "./pass-record.ts";
import type { NormalizerRecord } from "./simulation.ts";
import { assertReplicasEqual, networkOf, observeLayers, observeRanks } from "./training-observation.ts";
import type { TrainingResult } from "./training-rank.ts";
import type { Workload } from "./workload.ts";

/** What the coordinator laid out. */
export interface TrainingRun {
  readonly workload: Workload;
  readonly catalogue: Catalogue;
  readonly plan: ArenaPlan;
  readonly memory: KernelMemory;
  readonly control: Control;
  readonly normalizers: readonly Normalizer[];
  readonly records: readonly NormalizerRecord[];
}

/** Steps in one call of a thread: between two calls there is news for whoever watches. */
const stepsPerCall = 25;

/** Train the network with every normaliser in turn, and look at it at every point of the curves. */
export async function runTraining(
  run: TrainingRun,
  threads: readonly RemoteThread[],
  host: Host,
  onProgress: (done: number, total: number, what: string) => void,
): Promise<void> {
  const { steps, evaluateEvery } = run.workload.scenario.training!;
  for (const index of run.records.keys()) {
    const curve = new Curve(run, index, threads);
    for (let step = 0; step < steps; ) {
      const untilPoint = evaluateEvery - (step % evaluateEvery);
      const count = Math.min(stepsPerCall, untilPoint, steps - step);
      onProgress(index * steps + step, run.records.length * steps, run.records[index]!.spec.name);
      const begun = host.now();
      const first = step;
      const results = await callAll(threads, run.control, (thread) => thread.train(index, first, count));
      run.records[index]!.wallSeconds += host.now() - begun;
      step += count;
      curve.add(first, inRankOrder(results.flat()));
      if (step % evaluateEvery === 0 || step === steps) await curve.addPoint(step);
    }
    curve.end();
  }
}

/** What training with one normaliser has shown so far. */
class Curve {
  readonly #run: TrainingRun;
  readonly #index: number;
  readonly #threads: readonly RemoteThread[];
  /** The ranks' networks, as the coordinator sees their memory. */
  readonly #networks: readonly Network[];
  #sums: LossSums = { loss: 0, errors: 0, tokens: 0 };
  /** Per rank, since training began. */
  #events: readonly NumericEvents[] = [];

  constructor(run: TrainingRun, index: number, threads: readonly RemoteThread[]) {
    this.#run = run;
    this.#index = index;
    this.#threads = threads;
    this.#networks = run.workload.samples.map((_, rank) => networkOf(run, index, rank));
  }

  /** Take in what the ranks report of some steps. */
  add(firstStep: number, results: readonly TrainingResult[]): void {
    if (firstStep === 0) this.#recordTraffic(results);
    this.#events = results.map(({ events }) => events);
    this.#sums = [this.#sums, ...results.flatMap(({ sums }) => sums)].reduce(addSums);
  }

  async addPoint(step: number): Promise<void> {
    const { records, normalizers } = this.#run;
    const record = records[this.#index]!;
    assertReplicasEqual(this.#networks);
    const layers = observeLayers(this.#networks, normalizers[this.#index]!, record);
    record.perRank = observeRanks(this.#networks, normalizers[this.#index]!);
    const gradientNorms = this.#networks[0]!.parameters.map(({ gradients }) => norm(gradients));
    const { loss, errors, tokens } = this.#sums;
    this.#sums = { loss: 0, errors: 0, tokens: 0 };
    const { runningVariance, recurrence } = normalizers[this.#index]!;
    const remembers = runningVariance !== null && recurrence === undefined;
    record.training!.points.push({
      step,
      trainLoss: loss / tokens,
      trainError: errors / tokens,
      testError: await this.#testError(step, "running-statistics"),
      testErrorBatchStatistics: remembers ? await this.#testError(step, "batch-statistics") : null,
      layers,
      gradientNorms,
    });
  }

  /** After the last step. */
  end(): void {
    const { records, workload } = this.#run;
    logTrainingNumerics(records[this.#index]!, this.#events, workload.scenario.mesh);
  }

  async #testError(step: number, mode: "running-statistics" | "batch-statistics"): Promise<number> {
    const { workload, control } = this.#run;
    const globalBatch = workload.samples.reduce((sum, samples) => sum + samples, 0);
    const batches = Math.ceil(workload.scenario.training!.testSamples / globalBatch);
    const results = await callAll(this.#threads, control, (thread) =>
      thread.evaluate(step - 1, batches, mode),
    );
    const { errors, tokens } = inRankOrder(results.flat())
      .flatMap(({ sums }) => sums)
      .reduce(addSums);
    return errors / tokens;
  }

  #recordTraffic(results: readonly TrainingResult[]): void {
    const { workload, records } = this.#run;
    const { collectives, gradients } = workload.trainingNeeds!;
    const record = records[this.#index]!;
    const world = worldOf(workload.worldSize);
    const isAlone = workload.worldSize === 1;
    const ledgerOf = (rank: number) => results[rank]!.ledger;
    for (const group of record.groups) {
      const own = group.ranks.map((rank) => (isAlone ? ledgerOf(rank) : ledgerOf(rank).slice(0, -1)));
      record.collectives.push(...collectivesOf(group, collectives[this.#index]!, own, 0, this.#run));
    }
    record.training = {
      points: [],
      layers: this.#networks[0]!.normalizations.map(({ name }) => name),
      parameters: this.#networks[0]!.parameters.map(({ name }) => name),
      gradientCollectives: collectivesOf(
        world,
        [gradients],
        world.ranks.map((rank) => ledgerOf(rank).slice(-1)),
        0,
        this.#run,
      ),
    };
  }
}

function inRankOrder(results: readonly TrainingResult[]): TrainingResult[] {
  return [...results].sort((a, b) => a.rank - b.rank);
}

function addSums(a: LossSums, b: LossSums): LossSums {
  return { loss: a.loss + b.loss, errors: a.errors + b.errors, tokens: a.tokens + b.tokens };
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
