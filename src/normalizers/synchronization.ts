import type { Progress } from "../collectives/communicator.ts";
import { mergeMoments } from "../statistics/moments.ts";
import { exchangeFields, type Received, totalOf } from "./exchange.ts";
import type { BackwardField, FirstMoment, ForwardField, Implementation } from "./implementation.ts";
import { inverseRoot, type RankView } from "./operator.ts";

type Arrived = Map<ForwardField, Received>;

/**
 * Turn local moments in `rank.statistics` into what an implementation takes for the group's. `count` is then
 * the number that its gradient sums and its unbiased variance are divided by.
 *
 * @returns how many merged variances were negative and taken as 0.
 * @throws Error where the implementation stops at a rank of so few values.
 */
export function* poolMoments(rank: RankView, implementation: Implementation): Progress<number> {
  const { forward, merge, emptyRank } = implementation;
  const values = rank.statistics.count[0]!;
  if (typeof emptyRank === "object" && values < emptyRank.leastValues)
    throw new Error(`${values} value${values === 1 ? "" : "s"} per channel: ${emptyRank.because}`);
  const arrived: Arrived = new Map();
  for (const [index, exchange] of forward.entries()) {
    const isSilent = values === 0 && emptyRank === "joins";
    const numberOf = isSilent ? () => 0 : fieldsOf(rank, arrived, values);
    const isLast = index === forward.length - 1;
    for (const [field, received] of yield* exchangeFields(rank, exchange, numberOf, !isLast))
      arrived.set(field, received);
  }
  if (merge.by === "mean-square")
    return fromSquares(rank, arrived, { ...merge, weighting: implementation.weighting, values });
  return merge.by === "chan" ? mergeRanks(rank, arrived) : takeMerged(rank, arrived);
}

/** What a rank sends in each field; means of no values are 0/0. */
function fieldsOf(rank: RankView, arrived: Arrived, n: number): (field: ForwardField, at: number) => number {
  const { mean, m2 } = rank.statistics;
  const { samples, positions } = rank.extent;
  const meanOf = (c: number): number => (n === 0 ? Number.NaN : mean[c]!);
  const meanSquareOf = (c: number): number => m2[c]! / n + mean[c]! * mean[c]!;
  const offset = (c: number): number => mean[c]! - totalOf(arrived.get("shift"), c);
  const weight = (): number => n / totalOf(arrived.get("count"), 0);
  const values: Readonly<Record<ForwardField, (c: number) => number>> = {
    moments: (at) => [n, mean[Math.floor(at / 3)]!, m2[Math.floor(at / 3)]!][at % 3]!,
    mean: meanOf,
    invStd: (c) => inverseRoot(m2[c]! / n, rank.epsilon),
    variance: (c) => m2[c]! / n,
    meanSquare: meanSquareOf,
    weightedMean: (c) => meanOf(c) * weight(),
    weightedMeanSquare: (c) => meanSquareOf(c) * weight(),
    sum: (c) => n * mean[c]!,
    squareSum: (c) => m2[c]! + n * mean[c]! * mean[c]!,
    sampleMean: (c) => (n * mean[c]!) / positions,
    sampleMeanSquare: (c) => (m2[c]! + n * mean[c]! * mean[c]!) / positions,
    shift: (c) => mean[c]!,
    shiftedSum: (c) => n * offset(c),
    shiftedSquareSum: (c) => m2[c]! + n * offset(c) * offset(c),
    count: () => n,
    countPerChannel: () => n,
    samples: () => samples,
  };
  return (field, at) => values[field](at);
}

/**
 * Merge ranks in order, block by block as they lie in memory. Undoing invStd can leave a small negative
 * variance (below 8u(v + ε)): 0, counted, although PyTorch's kernel lets it pass.
 */
function mergeRanks(rank: RankView, arrived: Arrived): number {
  const { channels } = rank.extent;
  const { count, mean, m2 } = rank.statistics;
  const means = arrived.get("mean")!;
  const counts = arrived.get("count") ?? arrived.get("countPerChannel")!;
  const invStds = arrived.get("invStd");
  let clampedVariances = 0;
  for (const target of [count, mean, m2]) target.fill(0);
  for (let source = 0; source < means.sources; source++) {
    const peerCount = counts.value(source, 0);
    if (peerCount === 0) continue;
    for (let c = 0; c < channels; c++) {
      const variance =
        invStds === undefined
          ? arrived.get("variance")!.value(source, c)
          : undoInvStd(invStds.value(source, c), rank.epsilon);
      if (variance < 0) clampedVariances++;
      const incoming = {
        count: peerCount,
        mean: means.value(source, c),
        m2: Math.max(variance, 0) * peerCount,
      };
      const pooled = mergeMoments({ count: count[c]!, mean: mean[c]!, m2: m2[c]! }, incoming);
      count[c] = pooled.count;
      mean[c] = pooled.mean;
      m2[c] = pooled.m2;
    }
  }
  return clampedVariances;
}

function undoInvStd(invStd: number, epsilon: number): number {
  return invStd === 0 ? 0 : 1 / (invStd * invStd) - epsilon;
}

function takeMerged({ statistics: { count, mean, m2 } }: RankView, arrived: Arrived): number {
  const moments = arrived.get("moments")!;
  for (let c = 0; c < count.length; c++) {
    count[c] = moments.value(0, 3 * c);
    mean[c] = moments.value(0, 3 * c + 1);
    m2[c] = moments.value(0, 3 * c + 2);
  }
  return 0;
}

const squareOf: Readonly<Record<FirstMoment, ForwardField>> = {
  mean: "meanSquare",
  weightedMean: "weightedMeanSquare",
  sum: "squareSum",
  sampleMean: "sampleMeanSquare",
  shiftedSum: "shiftedSquareSum",
};

interface MeanSquares extends Pick<Implementation, "weighting"> {
  readonly of: FirstMoment;
  readonly clips: boolean;
  /** Of this rank. */
  readonly values: number;
}

/** v = E[x²] − E[x]², NaN and what is not clipped kept. */
function fromSquares(
  rank: RankView,
  arrived: Arrived,
  { of, clips, weighting, values }: MeanSquares,
): number {
  const { count, mean, m2 } = rank.statistics;
  const { groupSize } = rank.communicator;
  const total = (field: ForwardField, c: number): number => totalOf(arrived.get(field), c);
  const perSample = of === "sampleMean" ? 1 : rank.extent.positions;
  const counts = arrived.has("count") ? "count" : "countPerChannel";
  let clampedVariances = 0;
  for (let c = 0; c < count.length; c++) {
    const first = total(of, c);
    const second = total(squareOf[of], c);
    const shift = of === "shiftedSum" ? total("shift", c) : 0;
    let divisor: number;
    if (weighting === "equal") {
      // An empty rank, which only got here if it spoils all, believes in no count either.
      count[c] = values === 0 ? Number.NaN : groupSize * values;
      divisor = groupSize;
    } else if (weighting === "samples") {
      count[c] = total("samples", 0) * rank.extent.positions;
      divisor = total("samples", 0) * perSample;
    } else {
      count[c] = total(counts, 0);
      divisor = of === "weightedMean" ? 1 : count[c]!;
    }
    const offset = divisor === 0 ? 0 : first / divisor;
    const variance = divisor === 0 ? 0 : second / divisor - offset * offset;
    if (clips && variance < 0) clampedVariances++;
    mean[c] = shift + offset;
    m2[c] = (clips ? Math.max(variance, 0) : variance) * count[c]!;
  }
  return clampedVariances;
}

/** Turn Σdy and Σdy(x − m) of this rank into the group's, as far as the implementation gets them right. */
export function* poolGradients(rank: RankView, { backward, merge }: Implementation): Progress<void> {
  const { statistics, communicator } = rank;
  const { count, m2, meanG: ownCount } = statistics;
  const target = { sumDy: "sumG", meanDy: "sumG", sumDyXmu: "sumGXmu", meanDyXmu: "sumGXmu" } as const;
  rank.kernels.counts(rank.input, rank.sets, ownCount);
  const isMean = (field: BackwardField): boolean => field === "meanDy" || field === "meanDyXmu";
  const numberOf = (field: BackwardField, c: number): number =>
    statistics[target[field]][c]! / (isMean(field) ? ownCount[c]! : 1);
  for (const exchange of backward) {
    for (const [field, received] of yield* exchangeFields(rank, exchange, numberOf, false)) {
      for (let c = 0; c < count.length; c++) {
        const sum = totalOf(received, c);
        statistics[target[field]][c] = isMean(field) ? (sum / communicator.groupSize) * count[c]! : sum;
      }
    }
  }
  // A variance that was clipped passes no gradient, and neither does one that is 0.
  if (merge.by === "mean-square" && merge.clips)
    for (let c = 0; c < count.length; c++) if (m2[c] === 0) statistics.sumGXmu[c] = 0;
}
