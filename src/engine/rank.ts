import type { Communicator, Progress } from "../collectives/communicator.ts";
import { type IndexSets, indexSetsOf } from "../kernels/index-sets.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { backwardOfSlices } from "../normalizers/backward.ts";
import { bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import type { Group } from "../normalizers/group.ts";
import {
  momentsMethodOf,
  type Normalizer,
  type RankView,
  type SetStatistics,
} from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { type SampleArrays, type SliceView, viewsOfSlices } from "../normalizers/slice-view.ts";
import { type Slice, setCountOf, slicesOf, valuesPerSet } from "../normalizers/slices.ts";
import { machineEpsilon } from "../scenario/number-format.ts";
import { extentOf } from "./arena-plan.ts";
import { channelsOfRank, type RankViews, type WholeViews } from "./arena-views.ts";
import type { Phase } from "./control.ts";
import { injectFault } from "./fault.ts";
import { MicrobatchMaker } from "./microbatch-maker.ts";
import type { Microstep } from "./microstep.ts";
import { nonFiniteOf } from "./non-finite.ts";
import { type Oracle, oracleFor } from "./oracle.ts";
import type { ExchangeResult, PassResult } from "./pass-result.ts";
import { RankStatistics } from "./rank-statistics.ts";
import { compareWithEvaluation, compareWithWhole } from "./reference.ts";
import { storingKernels } from "./storing-kernels.ts";
import type { RankEnds, ThreadContext } from "./thread-context.ts";
import { observeMicrobatch } from "./whole-batch.ts";
import { wireArray } from "./wire-array.ts";

/** One simulated GPU, as the normalisers of one layout see it: its microbatch, its running statistics and the program of each pass. */
export class Rank {
  readonly rank: number;
  readonly #context: ThreadContext;
  readonly #views: RankViews;
  /** Of the channels that this rank holds. */
  readonly #whole: WholeViews;
  readonly #endpoint: RankEnds["endpoint"];
  readonly #caller: RankEnds["caller"];
  readonly #channelSets: IndexSets;
  readonly #normalizers: readonly Normalizer[];
  readonly #slices: readonly (readonly Slice[])[];
  readonly #statistics: RankStatistics;
  readonly #oracles: readonly Oracle[];
  readonly #maker: MicrobatchMaker;
  /** Stores y and dx in the storage format. */
  readonly #kernels: Kernels;
  /** Of y and dx, in the pass under way. */
  #storeOverflows = 0;
  /** Of x and dy, in the training step under way. */
  #dataOverflows = 0;

  constructor(rank: number, context: ThreadContext, views: RankViews, { endpoint, caller }: RankEnds) {
    const { normalizers, mesh } = context.workload.scenario;
    this.rank = rank;
    this.#context = context;
    this.#views = views;
    this.#whole = channelsOfRank(context.whole, views);
    this.#endpoint = endpoint;
    this.#caller = caller;
    const { workload, kernels } = context;
    this.#maker = new MicrobatchMaker(rank, workload, kernels, views);
    this.#kernels = storingKernels(kernels, workload.storage, (count) => {
      this.#storeOverflows += count;
    });
    this.#channelSets = indexSetsOf(views.extent, ["samples", "positions"]);
    this.#normalizers = normalizers.map(createNormalizer);
    this.#slices = normalizers.map((spec, index) =>
      slicesOf(spec, this.#normalizers[index]!, views.extent, mesh),
    );
    this.#statistics = new RankStatistics(normalizers, this.#normalizers, views);
    this.#oracles = this.#normalizers.map((normalizer, index) => {
      const holders = context.holders[index]![rank]!;
      const weight = context.whole.weight[index]!;
      return oracleFor(normalizer, mesh, holders, this.#whole, context.viewsOf, weight);
    });
  }

  /** Make the microbatch, unless files gave it, and observe what the whole batch's moments are merged from. */
  // biome-ignore lint/correctness/useYield: it waits for no other rank.
  *prepare(microbatch: Microstep): Progress<void> {
    this.#enter(microbatch.trainingStep, 0, "data");
    this.#dataOverflows = this.#maker.make(microbatch);
    observeMicrobatch(this.#views, this.#context.kernels, this.#channelSets, this.#whole);
    if (microbatch.isPrecise) this.#statistics.observePrecise();
  }

  /** One normaliser, forward, backward if asked for, compared with the whole batch. */
  *pass(index: number, microbatch: Microstep, report: (result: PassResult) => void): Progress<void> {
    const { workload } = this.#context;
    const { trainingStep, isFirstOfStep, isLastOfStep } = microbatch;
    const normalizer = this.#normalizers[index]!;
    const { overflows: wireBefore, ledger } = this.#endpoint;
    const ledgerStart = ledger.length;
    this.#storeOverflows = 0;
    this.#enter(trainingStep, index, "forward");
    const exchange = bufferExchangeOf(workload.scenario.normalizers[index]!);
    if (isFirstOfStep && exchange?.everyStep === true) yield* this.#exchange(index, microbatch);
    const communicator = this.#communicator(this.#context.groups[index]![this.rank]!, index, microbatch, 1);
    const views = this.#cut(this.#slices[index]!, this.#views, this.#views.used).map((slice) =>
      this.#viewOf(index, slice, communicator, this.#statistics.of(index)),
    );
    const clampedVariances = { own: 0, merged: 0 };
    for (const view of views) {
      const { own, merged } = yield* normalizer.forward(view);
      clampedVariances.own += own;
      clampedVariances.merged += merged;
    }
    this.#statistics.track(index, views, isLastOfStep);
    if (workload.scenario.backward) {
      this.#enter(trainingStep, index, "backward");
      yield* backwardOfSlices(normalizer, views, this.#views);
      this.#statistics.accumulate(index, isFirstOfStep);
    }
    yield* this.#caller.leave();
    const wireOverflows = this.#endpoint.overflows - wireBefore;
    const overflows = this.#dataOverflows + this.#storeOverflows + wireOverflows;
    this.#enter(trainingStep, index, "comparing");
    this.#compare(index, communicator, microbatch);
    report({
      rank: this.rank,
      ledger: ledger.slice(ledgerStart),
      setCount: setCountOf(this.#slices[index]!),
      clampedVariances,
      overflows,
      nonFinite: nonFiniteOf(this.#views, workload.scenario.backward),
    });
    this.#enter(trainingStep, index, "idle");
  }

  /** Before an evaluation: what the normaliser's `buffers` asks for. */
  *exchange(index: number, microbatch: Microstep, report: (result: ExchangeResult) => void): Progress<void> {
    const ledgerStart = this.#endpoint.ledger.length;
    this.#enter(microbatch.trainingStep, index, "forward");
    yield* this.#exchange(index, microbatch);
    report({ rank: this.rank, ledger: this.#endpoint.ledger.slice(ledgerStart) });
    this.#enter(microbatch.trainingStep, index, "idle");
  }

  *#exchange(index: number, microbatch: Microstep): Progress<void> {
    const group = this.#context.dataParallelGroups[this.rank]!;
    const communicator = this.#communicator(group, index, microbatch, 0);
    yield* this.#statistics.exchange(index, communicator, this.#context.workload.storage);
    yield* this.#caller.leave();
  }

  #enter(trainingStep: number, index: number, phase: Phase): void {
    const { fabric, workload, exit } = this.#context;
    fabric.control.enter(this.rank, trainingStep, index, phase);
    injectFault(workload.scenario.faults, { rank: this.rank, trainingStep, phase }, exit);
  }

  /** @param part of the pass: the exchange of running statistics (0), or what follows (1). */
  #communicator(group: Group, index: number, { index: microbatch }: Microstep, part: 0 | 1): Communicator {
    const passes = microbatch * this.#normalizers.length + index;
    return this.#caller.communicator(group, index, 2 * passes + part);
  }

  #partCounts(index: number): number[] | null {
    const { workload, groups } = this.#context;
    const normalizer = this.#normalizers[index]!;
    const { reduces } = normalizer;
    if (reduces.includes("samples") || (workload.isMasked && reduces.includes("positions"))) return null;
    return groups[index]![this.rank]!.ranks.map((rank) =>
      valuesPerSet(normalizer, extentOf(workload, rank, this.#views.layout), workload.scenario.mesh),
    );
  }

  /** Moments are of all samples at once, and no values that could be cut. */
  #cut(slices: readonly Slice[], arrays: SampleArrays, statistics: SetStatistics): SliceView[] {
    const views = viewsOfSlices(slices, arrays, statistics);
    const { x, y } = arrays;
    return this.#context.workload.isOfMoments
      ? views.map((view) => ({ ...view, input: { x, mask: null }, y }))
      : views;
  }

  #viewOf(
    index: number,
    { extent, sets, input, dy, y, dx, statistics }: SliceView,
    communicator: Communicator,
    { running, recurrence }: Pick<RankView, "running" | "recurrence">,
  ): RankView {
    const { workload } = this.#context;
    const { payload, dWeight, dBias, gain, shift, offset } = this.#views;
    const spec = workload.scenario.normalizers[index]!;
    // Every field by name: spreading others into so large an object takes 30 µs, for each pass of each rank.
    return {
      extent,
      sets,
      input,
      dy,
      y,
      dx,
      statistics,
      running,
      recurrence,
      kernels: this.#kernels,
      centres: this.#normalizers[index]!.centres,
      weight: this.#whole.weight[index]!,
      bias: this.#whole.bias[index]!,
      ones: this.#whole.ones,
      dWeight,
      dBias,
      gain,
      shift,
      offset,
      epsilon: spec.epsilon ?? machineEpsilon(workload.storage),
      method: momentsMethodOf(spec),
      communicator,
      partCounts: this.#partCounts(index),
      payload: (count, format = workload.payload) => wireArray(payload, format, 0, count),
    };
  }

  #compare(index: number, communicator: Communicator, { isLastOfStep }: Microstep): void {
    const { scratch, workload } = this.#context;
    const { x, mask, dy, y, dx, extent, reference, comparedY, comparedDx, comparedEvaluation } = this.#views;
    const normalizer = this.#normalizers[index]!;
    const slice = normalizer.reduces.includes("samples")
      ? { firstSample: 0, extent, sets: this.#channelSets }
      : this.#slices[index]![0]!;
    const part = scratch.subarray(0, y.length);
    const [whole] = this.#cut([slice], { x, mask, dy, y: part, dx: part }, reference);
    const view = this.#viewOf(index, whole!, communicator, this.#statistics.ofWhole(index));
    compareWithWhole(
      view,
      normalizer,
      this.#oracles[index]!,
      { y, dx: workload.scenario.backward ? dx : null },
      { channelSets: this.#channelSets, comparedY, comparedDx },
    );
    if (normalizer.runningVariance === null) return;
    this.#statistics.trackWhole(index, this.#whole, isLastOfStep);
    if (workload.scenario.evaluation === undefined) return;
    const evaluating = { ...view, ...this.#statistics.of(index) };
    compareWithEvaluation(evaluating, y, { channelSets: this.#channelSets, comparedEvaluation });
  }
}
