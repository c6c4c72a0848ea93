import type { Communicator, Progress } from "../collectives/communicator.ts";
import { bufferExchangeOf } from "../normalizers/buffer-exchange.ts";
import type { Normalizer, RankView, Recurrence } from "../normalizers/operator.ts";
import type { NumberFormat } from "../scenario/number-format.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import { PreciseStatistics } from "../statistics/precise-statistics.ts";
import type { RunningStatistics } from "../statistics/running-statistics.ts";
import { StatisticsTracker, type Tracking } from "../statistics/statistics-tracker.ts";
import type { RankViews, WholeViews } from "./arena-views.ts";
import { wireArray } from "./wire-array.ts";

/** For normalisers that track nothing. */
const untracked: Tracking = { momentum: null, deferred: false };

/** As the steps before left it. */
type Remembered = Pick<RankView, "running" | "recurrence">;

/** What one rank remembers between passes, per normaliser: running statistics, recurrences and summed gradients. */
export class RankStatistics {
  readonly #specs: readonly NormalizerSpec[];
  readonly #views: RankViews;
  readonly #own: readonly StatisticsTracker[];
  /** As if every microbatch had been normalised over the whole batch. */
  readonly #whole: readonly StatisticsTracker[];
  readonly #recurrences: readonly (Recurrence | null)[];
  /** Likewise. */
  readonly #recurrencesWhole: readonly (Recurrence | null)[];
  readonly #gradients: readonly { readonly dWeight: Float64Array; readonly dBias: Float64Array }[];
  readonly #precise: PreciseStatistics;

  constructor(specs: readonly NormalizerSpec[], normalizers: readonly Normalizer[], views: RankViews) {
    const { channels } = views.extent;
    const trackerOf = (spec: NormalizerSpec, index: number): StatisticsTracker =>
      new StatisticsTracker(
        channels,
        "buffers" in spec ? spec : untracked,
        normalizers[index]!.runningVariance ?? "unbiased",
      );
    const recurrenceOf = (normalizer: Normalizer): Recurrence | null =>
      normalizer.recurrence?.(channels) ?? null;
    const zeros = (): Float64Array => new Float64Array(channels);
    this.#specs = specs;
    this.#views = views;
    this.#own = specs.map(trackerOf);
    this.#whole = specs.map(trackerOf);
    this.#recurrences = normalizers.map(recurrenceOf);
    this.#recurrencesWhole = normalizers.map(recurrenceOf);
    this.#gradients = specs.map(() => ({ dWeight: zeros(), dBias: zeros() }));
    this.#precise = new PreciseStatistics(channels);
  }

  running(index: number): RunningStatistics {
    return this.#own[index]!.running;
  }

  /** What the normaliser remembers. */
  of(index: number): Remembered {
    return { running: this.running(index), recurrence: this.#recurrences[index]! };
  }

  /** What it would remember if it had been shown whole batches. */
  ofWhole(index: number): Remembered {
    return { running: this.#whole[index]!.running, recurrence: this.#recurrencesWhole[index]! };
  }

  /** Take in what the slices of a microbatch were normalised with; a recurrence has done so by itself. */
  track(index: number, slices: readonly RankView[], isLastOfStep: boolean): void {
    this.#views.runningVariance[index]!.set(this.#recurrences[index]?.running ?? []);
    if (!("buffers" in this.#specs[index]!)) return;
    const tracker = this.#own[index]!;
    for (const { statistics } of slices) tracker.observe(statistics.count[0]!, statistics);
    if (isLastOfStep) tracker.endStep();
    this.#show(index);
  }

  /** Take in the whole batch of a microbatch. */
  trackWhole(index: number, whole: WholeViews, isLastOfStep: boolean): void {
    const tracker = this.#whole[index]!;
    tracker.observe(whole.count[0]!, whole);
    if (isLastOfStep) tracker.endStep();
  }

  /** Take in this rank's microbatch for precise statistics. */
  observePrecise(): void {
    const { localCount, localMean, localM2 } = this.#views;
    this.#precise.observe(localCount[0]!, { mean: localMean, m2: localM2 });
  }

  /** dWeight and dBias become their sums over the microbatches of the training step so far, as PyTorch's `grad` does. */
  accumulate(index: number, isFirstOfStep: boolean): void {
    for (const key of ["dWeight", "dBias"] as const) {
      const sum = this.#gradients[index]![key];
      const own = this.#views[key];
      if (!isFirstOfStep) for (let c = 0; c < own.length; c++) own[c] = sum[c]! + own[c]!;
      sum.set(own);
    }
  }

  /** Do with the other ranks' running statistics what the normaliser's `buffers` says. */
  *exchange(index: number, communicator: Communicator, storage: NumberFormat): Progress<void> {
    const exchange = bufferExchangeOf(this.#specs[index]!);
    if (exchange === null) return;
    yield* exchange.exchange({
      running: this.running(index),
      precise: this.#precise,
      communicator,
      payload: (count, format) => wireArray(this.#views.payload, format, 0, count),
      storage,
    });
    this.#show(index);
  }

  /** Copy running statistics to where the coordinator sees them. */
  #show(index: number): void {
    const { runningMean, runningVariance } = this.running(index);
    this.#views.runningMean[index]!.set(runningMean);
    this.#views.runningVariance[index]!.set(runningVariance);
  }
}
