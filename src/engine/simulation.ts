import type { LedgerEntry } from "../collectives/ledger.ts";
import type { Schedule } from "../collectives/schedule.ts";
import type { Group } from "../normalizers/group.ts";
import type { CollectiveShape } from "../normalizers/operator.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import type { DivergenceEntries, RankDivergence } from "./divergence-log.ts";
import type { EvaluationLog } from "./evaluation-log.ts";
import type { Exactness } from "./exactness.ts";
import type { WeightGradients } from "./weight-gradients.ts";
import type { Workload } from "./workload.ts";

/** One collective of one group: what its ranks moved, in the order of the group's ranks. */
export interface CollectiveRecord {
  readonly trainingStep: number;
  readonly shape: CollectiveShape;
  /** What ran; its elements are records of `elementBytes`. */
  readonly schedule: Schedule;
  readonly elementBytes: number;
  readonly group: Group;
  readonly entries: readonly LedgerEntry[];
}

/** What a run found out about one normaliser. */
export interface NormalizerRecord {
  readonly spec: NormalizerSpec;
  readonly groups: readonly Group[];
  readonly collectives: CollectiveRecord[];
  readonly divergence: DivergenceEntries;
  readonly numerics: Numerics;
  /** null where nothing is synchronised. */
  readonly exactness: Exactness | null;
  /** Of the last training step, one per rank. */
  perRank: (RankDivergence & { readonly values: number })[];
  /** Values behind the statistics of each group and slice, in the last training step; of the largest set where sets lie on one rank. */
  groupCounts: readonly number[];
  /** Of the last training step; null where no tensor ranks share weights, or without a backward pass. */
  weightGradients: WeightGradients | null;
  /** null without an evaluation, and for normalisers that track no statistics. */
  readonly evaluation: EvaluationLog | null;
  /** Of running statistics, before an evaluation. */
  readonly exchanges: CollectiveRecord[];
  /** Forward and backward passes, on the clock of this machine, computation included. */
  wallSeconds: number;
  /** null: single passes over the data. Otherwise `collectives` holds the first training step's alone. */
  training: TrainingRecord | null;
}

/** Numeric events of a run, summed over ranks and training steps. */
export interface Numerics {
  /** Elements of y and dx that are NaN or infinite. */
  nonFinite: number;
  /** Share of y, and of dx, that is NaN or infinite: valid elements, mean over training steps. */
  nonFiniteOutputShare: number;
  nonFiniteGradientShare: number;
  /** Variances that rounding had made negative and that were taken as 0: of one rank's values and merged ones. */
  clampedVariances: number;
  /** Finite numbers that a half format made infinite: x, dy, y, dx and payloads. */
  overflows: number;
  /** Statistics without spread, whose x̂ is 0 (channels of a group, tokens, blocks of a sample's channels). */
  constantSets: number;
  /** Groups whose channels had one value: no unbiased variance, the running variance was left alone. */
  singleValueGroups: number;
  /** The statistic whose |mean| is largest against its standard deviation, in float64; null where m is no mean. */
  worstConditioned: { readonly mean: number; readonly std: number } | null;
}

/** One point of the curves: the state after `step` steps. */
export interface TrainingPoint {
  readonly step: number;
  /** Mean over the tokens of all microbatches since the last point, before their updates; in nats. */
  readonly trainLoss: number;
  /** Share of those tokens that were classified wrong, with the statistics that training used. */
  readonly trainError: number;
  /** Share of the test set, each rank normalising its part with the running statistics that it remembers. */
  readonly testError: number;
  /** The same with the statistics of each batch of the test set; null for normalisers that remember none. */
  readonly testErrorBatchStatistics: number | null;
  /** Per normalisation layer: means over the statistics that ranks used in this step, against the whole batch's. */
  readonly layers: readonly LayerDivergence[];
  /** Per parameter: 2-norm of the gradient of this step, after the reduction over ranks. */
  readonly gradientNorms: readonly number[];
}

/** How far the statistics of one layer are from those of the whole batch at that layer. */
export interface LayerDivergence {
  readonly meanGap: number;
  readonly logVarianceRatio: number;
}

/** What training with one normaliser found out. */
export interface TrainingRecord {
  readonly points: TrainingPoint[];
  /** Names of the normalisation layers, in the order of `layers` of a point. */
  readonly layers: readonly string[];
  /** Names of the parameters, in the order of `gradientNorms`. */
  readonly parameters: readonly string[];
  /** The gradient all-reduce of the first step, or nothing where there is one rank; every other step's was like it. */
  readonly gradientCollectives: readonly CollectiveRecord[];
}

/** Everything measured in a run; a report is made from it. */
export interface Simulation {
  readonly workload: Workload;
  readonly normalizers: readonly NormalizerRecord[];
  /**
   * Per rank: seconds that threads waited for it alone, added up over them and seen every 0.1 s; on the clock of this
   * machine. 0 where all ranks share a thread.
   */
  readonly awaitedSeconds: readonly number[];
}
