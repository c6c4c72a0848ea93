import type { AllGatherAlgorithm, AllReduceAlgorithm } from "../collectives/algorithms.ts";
import type { Cluster } from "../cost/cluster.ts";
import type { DataSource } from "./data-source.ts";
import type { Buffers, Evaluation } from "./evaluation.ts";
import type { ImplementationName } from "./implementation-names.ts";
import type { InjectedFault } from "./injected-fault.ts";
import type { NumberFormat } from "./number-format.ts";
import type { TrainingSpec } from "./training.ts";

/** How many ways samples (data), channels (tensor) and positions (sequence) are spread over ranks; worldSize is the product. */
export interface Mesh {
  readonly data: number;
  readonly tensor: number;
  readonly sequence: number;
}

/**
 * Which numbers x, dy, y and dx hold. Half formats are rounded to at every store; they lie in
 * Float32Arrays, and statistics, weights and their gradients stay in float64.
 */
export type Storage = NumberFormat;

interface NormalizerBase {
  readonly name: string;
  /** Added to the variance before the square root. Default 1e-5 (PyTorch). */
  readonly epsilon: number;
  /** γ: one number for all, or one per channel. */
  readonly weight: number | readonly number[];
  /** β: one number for all, or one per channel. */
  readonly bias: number | readonly number[];
}

/** How the mean and the sum of squared deviations of the values on one rank are computed. */
export type MomentsAlgorithm = "two-pass" | "one-pass" | "welford" | "shifted";

interface CentringBase extends NormalizerBase {
  readonly moments: MomentsAlgorithm;
  /** Format of every operation of it; the numbers of counts apart. */
  readonly accumulate: NumberFormat;
}

/** `rank` (local), `world`, `node` (ranks of one node), that many consecutive ranks, or a list of ranks per group. */
export type RankGroups = "rank" | "world" | "node" | number | readonly (readonly number[])[];

interface GroupedBase extends NormalizerBase {
  /** Which ranks pool their statistics; every rank is in one group. */
  readonly group: RankGroups;
}

interface PoolingBase extends GroupedBase, CentringBase {
  /** How a group of several ranks is synchronised. */
  readonly implementation: ImplementationName;
  /** Weight of the NEW batch in the running statistics (PyTorch); null: cumulative average. */
  readonly momentum: number | null;
  /** What data parallel ranks do with each other's running statistics. */
  readonly buffers: Buffers;
  /** One update of the running statistics a training step, from its merged microbatches, instead of one a microbatch. */
  readonly deferred: boolean;
}

/** Normalises each channel over samples and positions of every rank in its group. */
export interface BatchNormSpec extends PoolingBase {
  readonly type: "batch-norm";
  /** Ghost batch norm, for group `rank`: a rank's samples are normalised this many at a time, the last batch smaller. */
  readonly virtualBatch?: number;
}

/** BatchNorm corrected towards the running statistics, with a correction that is clipped and passes no gradient. */
export interface BatchRenormSpec extends PoolingBase {
  readonly type: "batch-renorm";
  /** The ratio of standard deviations r stays in [1/rMax, rMax]; at least 1. */
  readonly rMax: number;
  /** The shift d stays in [−dMax, dMax]. */
  readonly dMax: number;
}

/** A program error to run on purpose: `normalizers/known-faults.ts` says who made it. */
export type NormalizerFault =
  | "rank-local-statistics"
  | "missing-gradient-all-reduce"
  | "averaged-gradient-all-reduce";

/** What a normaliser of tokens does where mesh.tensor is above 1. */
interface TokenNormParts {
  /**
   * Where a token's channels are. `sharded`, the default: on the tensor ranks between them. Megatron-LM's forms:
   * `replicated`: on each tensor rank. `sequence-parallel`: on one of them, each having a part of the tokens.
   */
  readonly tensorParallel?: "sharded" | "replicated" | "sequence-parallel";
  readonly fault?: NormalizerFault;
}

/** Normalises each token (sample and position) over its channels. */
export interface LayerNormSpec extends CentringBase, TokenNormParts {
  readonly type: "layer-norm";
}

/** Divides each token by the root mean square of its channels, without subtracting their mean. */
export interface RmsNormSpec extends Omit<NormalizerBase, "epsilon">, TokenNormParts {
  readonly type: "rms-norm";
  /** Added to the mean square; null: the machine epsilon of the storage type (PyTorch). */
  readonly epsilon: number | null;
}

/** Normalises each sample over its positions and one of `groups` blocks of consecutive channels. */
export interface GroupNormSpec extends CentringBase {
  readonly type: "group-norm";
  /** Divides the channels. */
  readonly groups: number;
}

/** Normalises each channel of each sample over its positions. */
export interface InstanceNormSpec extends CentringBase {
  readonly type: "instance-norm";
}

/** Normalisers that pool moments of a channel over ranks, and remember them. */
export type PoolingSpec = BatchNormSpec | BatchRenormSpec;

/** Divides each channel by a running root mean square, and moves its gradient by a running one too. */
export interface PowerNormSpec extends GroupedBase {
  readonly type: "power-norm";
  /** Steps that divide by the batch's own root mean square. */
  readonly warmUp: number;
  /** Weight of the NEW batch in the running mean square. */
  readonly momentum: number;
  /** Weight of the newest error in what the gradient is corrected with. */
  readonly momentumBackward: number;
}

/** Divides each channel by the root of the average mean square of the last steps, and differentiates likewise. */
export interface MabnSpec extends GroupedBase {
  readonly type: "mabn";
  /** Steps that are averaged. */
  readonly window: number;
  /** Steps, one less than these, that use the batch's own mean square. */
  readonly warmUp: number;
  /** Steps without the correction towards the running mean square. */
  readonly renormAfter: number;
  /** Weight of the NEW average in the running mean square. */
  readonly momentum: number;
}

/** Normalisers of mean squares that depend on the training steps before. */
export type RecurrentSpec = PowerNormSpec | MabnSpec;

export type NormalizerSpec =
  | PoolingSpec
  | RecurrentSpec
  | LayerNormSpec
  | RmsNormSpec
  | GroupNormSpec
  | InstanceNormSpec;

/** A scenario with every default filled in: plain data, safe to send to another thread. */
export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly mesh: Mesh;
  readonly data: DataSource;
  /** `auto` only where data come from files: float64 if any of them is, else float32. */
  readonly storage: Storage | "auto";
  /** What payloads travel as, where an implementation does not say; `auto` only where storage is: the same, float32 for a half format. */
  readonly payload: NumberFormat | "auto";
  readonly normalizers: readonly NormalizerSpec[];
  readonly backward: boolean;
  readonly trainingSteps: number;
  /** null: normalisers see the data themselves, not the activations of a network. */
  readonly training: TrainingSpec | null;
  /** Microbatches of a training step, each normalised by itself; dWeight and dBias are summed. */
  readonly accumulation: number;
  readonly evaluation?: Evaluation;
  readonly algorithms: { readonly allReduce: AllReduceAlgorithm; readonly allGather: AllGatherAlgorithm };
  readonly cluster: Cluster;
  readonly faults: readonly InjectedFault[];
  /** A rank that makes no progress for this long has stalled. */
  readonly deadlineSeconds: number;
}
