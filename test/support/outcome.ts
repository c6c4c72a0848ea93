import {
  type BatchNormCase,
  type GroupOutcome,
  type NormalizerCase,
  type Outcome,
  positionCount,
  type RankInput,
  type RankOutcome,
} from "./normalizer-case.ts";
import {
  batchNormReference,
  batchRenormReference,
  type ReferenceInput,
  type ReferenceOutput,
  references,
  runningReference,
} from "./reference.ts";

/** What the slow reference makes of a case: every group's ranks as one batch, cut up again. */
export function referenceOutcome(example: NormalizerCase): Outcome {
  if (example.type !== "batch-norm")
    return { ranks: example.ranks.map((rank) => references[example.type](concatenate(example, [rank]))) };
  return example.virtualBatch === undefined ? batchNormOutcome(example) : ghostOutcome(example);
}

/** What is normalised together: ranks of a group, or a slice of one; all but BatchNorm pool nothing. */
export function groupRanks(example: NormalizerCase): RankInput[][] {
  const { ranks } = example;
  if (example.type === "batch-norm" && example.virtualBatch !== undefined)
    return ranks.flatMap((rank) => slicesOf(example, rank)).map((slice) => [slice]);
  const group = example.type === "batch-norm" ? example.group : 1;
  if (typeof group === "object") return group.map((members) => members.map((rank) => ranks[rank]!));
  const count = group === "world" ? ranks.length : group;
  const groups: RankInput[][] = [];
  for (let first = 0; first < ranks.length; first += count) groups.push(ranks.slice(first, first + count));
  return groups;
}

function batchNormOutcome(example: BatchNormCase): Outcome {
  const { momentum, renorm } = example;
  const ranks: RankOutcome[] = [];
  const groups: GroupOutcome[] = [];
  for (const members of groupRanks(example)) {
    const inputs = batchesOfSteps(example, members);
    const batches = inputs.map(batchNormReference);
    const before = runningReference(batches.slice(0, -1), momentum, example.channels);
    const reference = (input: ReferenceInput): ReferenceOutput =>
      renorm === undefined
        ? batchNormReference(input)
        : batchRenormReference(input, { ...renorm, running: before });
    const last = reference(inputs.at(-1)!);
    const running = runningReference(batches, momentum, example.channels);
    groups.push({
      count: last.count[0]!,
      mean: last.mean,
      variance: last.variance,
      dWeight: last.dWeight,
      dBias: last.dBias,
      runningMean: running.mean,
      runningVariance: running.variance,
    });
    for (const [i, outcome] of cutUp(example, members, last, reference).entries())
      ranks[example.ranks.indexOf(members[i]!)] = outcome;
  }
  return { ranks, groups };
}

/** Every rank's samples cut into virtual batches, and each of those a batch of its own; one training step. */
function ghostOutcome(example: BatchNormCase): Outcome {
  return {
    ranks: example.ranks.map((rank): RankOutcome => {
      const parts = slicesOf(example, rank).map((slice) => batchNormReference(concatenate(example, [slice])));
      const total = (of: (part: ReferenceOutput) => number[]): number[] =>
        Array.from({ length: example.channels }, (_, c) =>
          parts.reduce((sum, part) => sum + of(part)[c]!, 0),
        );
      return {
        y: parts.flatMap(({ y }) => y),
        dx: parts.flatMap(({ dx }) => dx),
        dWeight: total(({ dWeight }) => dWeight),
        dBias: total(({ dBias }) => dBias),
      };
    }),
  };
}

/** A rank's virtual batches. */
function slicesOf(example: BatchNormCase, rank: RankInput): RankInput[] {
  const most = example.virtualBatch ?? rank.samples;
  const positions = positionCount(example);
  const slices: RankInput[] = [];
  for (let first = 0; first < rank.samples; first += most) {
    const end = Math.min(first + most, rank.samples);
    const cut = (values: readonly number[], perSample: number): number[] =>
      values.slice(first * perSample, end * perSample);
    slices.push({
      samples: end - first,
      x: cut(rank.x, example.channels * positions),
      dy: cut(rank.dy, example.channels * positions),
      mask: rank.mask === null ? null : cut(rank.mask, positions),
    });
  }
  return slices;
}

/** What the ranks of one group hold in every training step, as one batch each; the last step last. */
export function batchesOfSteps(example: NormalizerCase, members: readonly RankInput[]): ReferenceInput[] {
  const { earlier, trainingSteps } =
    example.type === "batch-norm" ? example : { earlier: [], trainingSteps: 1 };
  const inputs = earlier.map((x) => members.map((rank) => ({ ...rank, x: x[example.ranks.indexOf(rank)]! })));
  while (inputs.length < trainingSteps) inputs.push([...members]);
  return inputs.map((ranks) => concatenate(example, ranks));
}

/** The last training step of every group, as one batch each. */
export function lastBatches(example: NormalizerCase): ReferenceInput[] {
  return groupRanks(example).map((members) => batchesOfSteps(example, members).at(-1)!);
}

/** The ranks' microbatches as one batch, in rank order. */
function concatenate(example: NormalizerCase, ranks: readonly RankInput[]): ReferenceInput {
  const isMasked = ranks.some((rank) => rank.mask !== null);
  return {
    samples: ranks.reduce((sum, rank) => sum + rank.samples, 0),
    channels: example.channels,
    positions: positionCount(example),
    x: ranks.flatMap((rank) => rank.x),
    dy: ranks.flatMap((rank) => rank.dy),
    mask: isMasked ? ranks.flatMap((rank) => rank.mask ?? []) : null,
    weight: example.weight,
    bias: example.bias,
    epsilon: example.epsilon,
    ...(example.type === "batch-norm" || example.groups === undefined ? {} : { groups: example.groups }),
  };
}

/** A rank's own dWeight and dBias are those of the batch whose dy is 0 on every other rank. */
function cutUp(
  example: BatchNormCase,
  members: readonly RankInput[],
  whole: ReferenceOutput,
  reference: (input: ReferenceInput) => ReferenceOutput,
): RankOutcome[] {
  let start = 0;
  return members.map((rank) => {
    const end = start + rank.x.length;
    const others = members.map((other) => (other === rank ? rank : { ...other, dy: other.dy.map(() => 0) }));
    const { dWeight, dBias } = reference(concatenate(example, others));
    const outcome = { y: whole.y.slice(start, end), dx: whole.dx.slice(start, end), dWeight, dBias };
    start = end;
    return outcome;
  });
}
