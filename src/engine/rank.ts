import type { Communicator, Progress } from "../collectives/communicator.ts";
import { type IndexSets, indexSetsOf } from "../kernels/index-sets.ts";
import type { FloatArray, Kernels } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import {
  momentsMethodOf,
  type Normalizer,
  type RankEvents,
  type RankView,
  type Recurrence,
  type SetStatistics,
} from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { type Slice, setCountOf, slicesOf, valuesPerSet } from "../normalizers/slices.ts";
import { machineEpsilon } from "../scenario/number-format.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import type { VarianceKind } from "../statistics/moments.ts";
import { RunningStatistics, trackMoments } from "../statistics/running-statistics.ts";
import { extentOf } from "./arena-plan.ts";
import { channelsOfRank, partOf, type RankViews, type WholeViews } from "./arena-views.ts";
import type { Phase } from "./control.ts";
import type { Endpoint, Fabric } from "./fabric.ts";
import { injectFault } from "./fault.ts";
import { MicrobatchMaker } from "./microbatch-maker.ts";
import { countNonFinite } from "./non-finite.ts";
import { type Oracle, oracleFor } from "./oracle.ts";
import type { PassResult } from "./pass-result.ts";
import { compareWithWhole } from "./reference.ts";
import { storingKernels } from "./storing-kernels.ts";
import { observeMicrobatch } from "./whole-batch.ts";
import { wireArray } from "./wire-array.ts";
import type { Workload } from "./workload.ts";

/** What all ranks of a thread share. */
export interface ThreadContext {
  readonly workload: Workload;
  readonly fabric: Fabric;
  readonly kernels: Kernels;
  readonly whole: WholeViews;
  /** Per normaliser: the group of every rank. */
  readonly groups: readonly (readonly Group[])[];
  /** Likewise: the ranks that hold one of its index sets between them. */
  readonly holders: readonly (readonly (readonly number[])[])[];
  /** Any rank's arrays: for the oracle, which nobody else may look at them for. */
  readonly viewsOf: (rank: number) => RankViews;
  /** Room for one rank's y or dx as the whole batch would have given it. */
  readonly scratch: FloatArray;
  /** Ends the thread; only an injected fault asks for it. */
  readonly exit: () => void;
}

/** One simulated GPU, as the normalisers of one layout see it: its microbatch, its running statistics and the program of each pass. */
export class Rank {
  readonly rank: number;
  readonly #context: ThreadContext;
  readonly #views: RankViews;
  /** Of the channels that this rank holds. */
  readonly #whole: WholeViews;
  readonly #endpoint: Endpoint;
  readonly #channelSets: IndexSets;
  readonly #normalizers: readonly Normalizer[];
  readonly #slices: readonly (readonly Slice[])[];
  readonly #running: readonly RunningStatistics[];
  /** What the running statistics would be if every step pooled the whole batch. */
  readonly #runningWhole: readonly RunningStatistics[];
  readonly #recurrences: readonly (Recurrence | null)[];
  /** What they would remember of the whole batch. */
  readonly #recurrencesWhole: readonly (Recurrence | null)[];
  readonly #oracles: readonly Oracle[];
  readonly #maker: MicrobatchMaker;
  /** Stores y and dx in the storage format. */
  readonly #kernels: Kernels;
  /** Of the pass under way. */
  readonly #events: RankEvents = { clampedVariances: 0, overflows: 0 };
  /** Of x and dy, in the training step under way. */
  #dataOverflows = 0;

  constructor(rank: number, context: ThreadContext, views: RankViews, endpoint: Endpoint) {
    const { normalizers, mesh } = context.workload.scenario;
    this.rank = rank;
    this.#context = context;
    this.#views = views;
    this.#whole = channelsOfRank(context.whole, views);
    this.#endpoint = endpoint;
    const { workload, kernels } = context;
    this.#maker = new MicrobatchMaker(rank, workload, kernels, views);
    this.#kernels = storingKernels(kernels, workload.storage, (count) => {
      this.#events.overflows += count;
    });
    this.#channelSets = indexSetsOf(views.extent, ["samples", "positions"]);
    this.#normalizers = normalizers.map(createNormalizer);
    this.#slices = normalizers.map((spec, index) =>
      slicesOf(spec, this.#normalizers[index]!, views.extent, mesh),
    );
    const runningOf = (spec: NormalizerSpec): RunningStatistics =>
      new RunningStatistics(views.extent.channels, "momentum" in spec ? spec.momentum : null);
    this.#running = normalizers.map(runningOf);
    this.#runningWhole = normalizers.map(runningOf);
    const recurrenceOf = (normalizer: Normalizer): Recurrence | null =>
      normalizer.recurrence?.(views.extent.channels) ?? null;
    this.#recurrences = this.#normalizers.map(recurrenceOf);
    this.#recurrencesWhole = this.#normalizers.map(recurrenceOf);
    this.#oracles = this.#normalizers.map((normalizer, index) => {
      const holders = context.holders[index]![rank]!;
      const weight = context.whole.weight[index]!;
      return oracleFor(normalizer, mesh, holders, this.#whole, context.viewsOf, weight);
    });
  }

  /** Make the microbatch, unless files gave it, and observe what the whole batch's moments are merged from. */
  // biome-ignore lint/correctness/useYield: it waits for no other rank.
  *prepare(trainingStep: number): Progress<void> {
    this.#enter(trainingStep, 0, "data");
    this.#dataOverflows = this.#maker.make(trainingStep);
    observeMicrobatch(this.#views, this.#context.kernels, this.#channelSets, this.#whole);
  }

  /** One normaliser, forward, backward if asked for, compared with the whole batch. */
  *pass(index: number, trainingStep: number, report: (result: PassResult) => void): Progress<void> {
    const { workload } = this.#context;
    const normalizer = this.#normalizers[index]!;
    const communicator = this.#communicator(index, trainingStep);
    const views = this.#slicesInUse(index, communicator);
    const { overflows: wireBefore, ledger } = this.#endpoint;
    const ledgerStart = ledger.length;
    Object.assign(this.#events, { clampedVariances: 0, overflows: this.#dataOverflows });
    let clampedVariances = 0;
    this.#enter(trainingStep, index, "forward");
    for (const view of views) clampedVariances += (yield* normalizer.forward(view)).clampedVariances;
    const { runningVariance } = normalizer;
    if (runningVariance !== null) for (const view of views) this.#track(index, view, runningVariance);
    this.#views.runningVariance[index]!.set(this.#recurrences[index]?.running ?? []);
    if (workload.scenario.backward) {
      this.#enter(trainingStep, index, "backward");
      yield* this.#backward(normalizer, views);
    }
    const wireOverflows = this.#endpoint.overflows - wireBefore;
    const events = { ...this.#events, overflows: this.#events.overflows + wireOverflows };
    this.#enter(trainingStep, index, "comparing");
    this.#compare(index, communicator);
    report({
      rank: this.rank,
      ledger: ledger.slice(ledgerStart),
      setCount: setCountOf(this.#slices[index]!),
      clampedVariances,
      nonFinite: countNonFinite(this.#views, workload.scenario.backward),
      events,
    });
    this.#enter(trainingStep, index, "idle");
  }

  /** Every slice backward; dWeight and dBias are summed over slices, in order. */
  *#backward(normalizer: Normalizer, slices: readonly RankView[]): Progress<void> {
    const { dWeight, dBias } = this.#views;
    const [first, ...others] = slices;
    yield* normalizer.backward(first!);
    for (const slice of others) {
      const before = [dWeight.slice(), dBias.slice()] as const;
      yield* normalizer.backward(slice);
      for (let c = 0; c < dWeight.length; c++) {
        dWeight[c] = before[0][c]! + dWeight[c]!;
        dBias[c] = before[1][c]! + dBias[c]!;
      }
    }
  }

  #enter(trainingStep: number, index: number, phase: Phase): void {
    const { fabric, workload, exit } = this.#context;
    fabric.control.enter(this.rank, trainingStep, index, phase);
    injectFault(workload.scenario.faults, { rank: this.rank, trainingStep, phase }, exit);
  }

  #communicator(index: number, trainingStep: number): Communicator {
    const passes = trainingStep * this.#normalizers.length + index;
    return this.#endpoint.communicator(this.#context.groups[index]![this.rank]!, index, passes);
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

  /** The view of every slice, with its part of the statistics that the normaliser uses. */
  #slicesInUse(index: number, communicator: Communicator): RankView[] {
    const { used } = this.#views;
    let firstSet = 0;
    return this.#slices[index]!.map((slice) => {
      const statistics = partOf(used, firstSet, slice.sets.setCount);
      firstSet += slice.sets.setCount;
      return this.#viewOf(index, slice, communicator, statistics, this.#running[index]!);
    });
  }

  #viewOf(
    index: number,
    { firstSample, extent, sets }: Slice,
    communicator: Communicator,
    statistics: SetStatistics,
    running: RunningStatistics,
  ): RankView {
    const { workload } = this.#context;
    const { x, mask, dy, y, dx, payload, dWeight, dBias, gain, shift, offset } = this.#views;
    const spec = workload.scenario.normalizers[index]!;
    const part = <T extends FloatArray | Uint8Array>(array: T, perSample: number): T =>
      array.subarray(firstSample * perSample, (firstSample + extent.samples) * perSample) as T;
    const perSample = extent.channels * extent.positions;
    return {
      kernels: this.#kernels,
      extent,
      sets,
      centres: this.#normalizers[index]!.centres,
      input: { x: part(x, perSample), mask: mask === null ? null : part(mask, extent.positions) },
      dy: part(dy, perSample),
      y: part(y, perSample),
      dx: part(dx, perSample),
      statistics,
      weight: this.#whole.weight[index]!,
      bias: this.#whole.bias[index]!,
      ones: this.#whole.ones,
      dWeight,
      dBias,
      gain,
      shift,
      offset,
      running,
      recurrence: this.#recurrences[index]!,
      epsilon: spec.epsilon ?? machineEpsilon(workload.storage),
      method: momentsMethodOf(spec),
      events: this.#events,
      communicator,
      partCounts: this.#partCounts(index),
      payload: (count, format = workload.payload) => wireArray(payload, format, 0, count),
    };
  }

  #track(index: number, { statistics }: RankView, kind: VarianceKind): void {
    const running = this.#running[index]!;
    trackMoments(running, statistics.count[0]!, statistics, kind);
    this.#views.runningMean[index]!.set(running.runningMean);
    this.#views.runningVariance[index]!.set(running.runningVariance);
  }

  #compare(index: number, communicator: Communicator): void {
    const { scratch, workload } = this.#context;
    const { y, dx, extent, reference, comparedY, comparedDx } = this.#views;
    const normalizer = this.#normalizers[index]!;
    const isShared = normalizer.reduces.includes("samples");
    const slice = isShared ? { firstSample: 0, extent, sets: this.#channelSets } : this.#slices[index]![0]!;
    const statistics = partOf(reference, 0, slice.sets.setCount);
    const running = this.#runningWhole[index]!;
    const view = this.#viewOf(index, slice, communicator, statistics, running);
    const part = scratch.subarray(0, y.length);
    compareWithWhole(
      { ...view, recurrence: this.#recurrencesWhole[index]!, y: part, dx: part },
      normalizer,
      this.#oracles[index]!,
      { y, dx: workload.scenario.backward ? dx : null },
      { channelSets: this.#channelSets, comparedY, comparedDx },
    );
    const { runningVariance } = normalizer;
    if (runningVariance !== null) trackMoments(running, this.#whole.count[0]!, this.#whole, runningVariance);
  }
}
