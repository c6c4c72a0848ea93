import type { Progress } from "../collectives/communicator.ts";
import { type IndexSets, indexSetsOf } from "../kernels/index-sets.ts";
import type { Activation, FloatArray, Kernels } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import type { Normalizer, RankView } from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { fillGradient, fillMicrobatch } from "../scenario/synthetic.ts";
import { RunningStatistics } from "../statistics/running-statistics.ts";
import { firstSets, type RankViews, type WholeViews } from "./arena-views.ts";
import type { Phase } from "./control.ts";
import { Endpoint, type Fabric } from "./fabric.ts";
import { injectFault } from "./fault.ts";
import type { PassResult } from "./pass-result.ts";
import { compareWithWhole } from "./reference.ts";
import type { Workload } from "./workload.ts";

/** What all ranks of a thread share. */
export interface ThreadContext {
  readonly workload: Workload;
  readonly fabric: Fabric;
  readonly kernels: Kernels;
  readonly whole: WholeViews;
  /** Per normaliser: the group of every rank. */
  readonly groups: readonly (readonly Group[])[];
  /** Room for one rank's y or dx as the whole batch would have given it. */
  readonly scratch: FloatArray;
  /** Ends the thread; only an injected fault asks for it. */
  readonly exit: () => void;
}

/** One simulated GPU: its microbatch, its running statistics and the program of each pass. */
export class Rank {
  readonly rank: number;
  readonly #context: ThreadContext;
  readonly #views: RankViews;
  readonly #endpoint: Endpoint;
  readonly #channelSets: IndexSets;
  readonly #normalizers: readonly Normalizer[];
  readonly #sets: readonly IndexSets[];
  readonly #running: readonly RunningStatistics[];
  #passes = 0;
  #validTokens = 0;

  constructor(rank: number, context: ThreadContext, views: RankViews) {
    const { normalizers } = context.workload.scenario;
    this.rank = rank;
    this.#context = context;
    this.#views = views;
    this.#endpoint = new Endpoint(context.fabric, rank);
    this.#channelSets = indexSetsOf(views.extent, ["samples", "positions"]);
    this.#normalizers = normalizers.map(createNormalizer);
    this.#sets = this.#normalizers.map(({ reduces }) => indexSetsOf(views.extent, reduces));
    this.#running = normalizers.map((spec) => {
      const momentum = spec.type === "batch-norm" ? spec.momentum : null;
      return new RunningStatistics(context.workload.channels, momentum);
    });
  }

  /** Make the microbatch, unless files gave it, and observe what the whole batch's moments are merged from. */
  *prepare(trainingStep: number): Progress<void> {
    this.#enter(trainingStep, 0, "data");
    const { workload, kernels, whole } = this.#context;
    const { x, dy, mask, extent } = this.#views;
    const { data, seed } = workload.scenario;
    if (data.source !== "npy")
      fillMicrobatch(data, seed, this.rank, trainingStep, { ...extent, x, dy, mask });
    else if (workload.makesGradients) fillGradient(seed, this.rank, trainingStep, dy);
    this.#validTokens =
      mask === null ? extent.samples * extent.positions : mask.reduce((sum, valid) => sum + valid, 0);
    const input: Activation = { x, mask };
    const { localMean, localM2, localSumDy, localSumDyXmu, localCount } = this.#views;
    localCount[0] = this.#validTokens;
    kernels.sums(input, this.#channelSets, localMean);
    for (let c = 0; c < extent.channels; c++)
      localMean[c] = this.#validTokens === 0 ? 0 : localMean[c]! / this.#validTokens;
    kernels.squares(input, this.#channelSets, localMean, localM2);
    const factors = { mean: localMean, weight: whole.ones };
    kernels.gradientSums(input, dy, this.#channelSets, factors, { sumG: localSumDy, sumGXmu: localSumDyXmu });
  }

  /** One normaliser, forward, backward if asked for, compared with the whole batch. */
  *pass(index: number, trainingStep: number, report: (result: PassResult) => void): Progress<void> {
    const { workload } = this.#context;
    const normalizer = this.#normalizers[index]!;
    const view = this.#viewOf(index);
    const ledgerStart = this.#endpoint.ledger.length;
    this.#enter(trainingStep, index, "forward");
    const { count, clampedVariances } = yield* normalizer.forward(view);
    if (normalizer.tracksStatistics) this.#track(index, count);
    if (workload.scenario.backward) {
      this.#enter(trainingStep, index, "backward");
      yield* normalizer.backward(view, count);
    }
    this.#enter(trainingStep, index, "comparing");
    this.#compare(index, view);
    report({
      rank: this.rank,
      ledger: this.#endpoint.ledger.slice(ledgerStart),
      count,
      clampedVariances,
      nonFinite: this.#nonFinite(),
    });
    this.#enter(trainingStep, index, "idle");
  }

  #enter(trainingStep: number, index: number, phase: Phase): void {
    const { fabric, workload, exit } = this.#context;
    fabric.control.enter(this.rank, trainingStep, index, phase);
    injectFault(workload.scenario.faults, { rank: this.rank, trainingStep, phase }, exit);
  }

  #viewOf(index: number): RankView {
    const { workload, kernels, whole, groups } = this.#context;
    const { x, mask, extent, dy, y, dx, used, payload, dWeight, dBias } = this.#views;
    const sets = this.#sets[index]!;
    const spec = workload.scenario.normalizers[index]!;
    const group = groups[index]![this.rank]!;
    return {
      kernels,
      extent,
      sets,
      input: { x, mask },
      validTokens: this.#validTokens,
      dy,
      y,
      dx,
      statistics: firstSets(used, sets.setCount),
      weight: whole.weight[index]!,
      bias: whole.bias[index]!,
      ones: whole.ones,
      dWeight,
      dBias,
      epsilon: spec.epsilon,
      communicator: this.#endpoint.communicator(group, index, this.#passes++),
      payload: (count) => payload.subarray(0, count),
    };
  }

  #track(index: number, count: number): void {
    const { channels } = this.#views.extent;
    const running = this.#running[index]!;
    const unbiased = this.#views.used.m2.subarray(0, channels).map((m2) => m2 / (count - 1));
    running.update(count, this.#views.used.mean.subarray(0, channels), unbiased);
    this.#views.runningMean[index]!.set(running.runningMean);
    this.#views.runningVariance[index]!.set(running.runningVariance);
  }

  #compare(index: number, view: RankView): void {
    const { whole, scratch, workload } = this.#context;
    const { y, dx, reference, comparedY, comparedDx } = this.#views;
    const isShared = this.#normalizers[index]!.reduces.includes("samples");
    const part = scratch.subarray(0, y.length);
    compareWithWhole(
      { ...view, statistics: firstSets(reference, view.sets.setCount), y: part, dx: part },
      isShared ? whole : null,
      isShared ? whole.count[0]! : view.extent.channels,
      { y, dx: workload.scenario.backward ? dx : null },
      { channelSets: this.#channelSets, comparedY, comparedDx },
    );
  }

  #nonFinite(): number {
    const { y, dx, comparedY, comparedDx, extent } = this.#views;
    const ownSquares = (compared: Float64Array): Float64Array =>
      compared.subarray(2 * extent.channels, 3 * extent.channels);
    const outputs = [{ values: y, squares: ownSquares(comparedY) }];
    if (this.#context.workload.scenario.backward)
      outputs.push({ values: dx, squares: ownSquares(comparedDx) });
    let count = 0;
    for (const { values, squares } of outputs) {
      if (squares.every(Number.isFinite)) continue;
      for (const value of values) if (!Number.isFinite(value)) count++;
    }
    return count;
  }
}
